package sdp.decisions;

import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import sdp.keyed.Packed;
import sdp.keyed.RowPacker;

/** Packs business events and profiles: a row without a kind is a profile. */
final class PackInputs extends AbstractStreamOperator<Packed>
    implements OneInputStreamOperator<RowData, Packed> {
  private static final long serialVersionUID = 1L;

  private final RowPacker packer;
  private final int[] source;
  private final int kind;
  private final int id;
  private final int time;

  private transient StreamRecord<Packed> out;

  PackInputs(RowPacker packer, int[] source, int kind, int id, int time) {
    this.packer = packer;
    this.source = source.clone();
    this.kind = kind;
    this.id = id;
    this.time = time;
  }

  @Override
  public void open() throws Exception {
    super.open();
    out = new StreamRecord<>(null);
  }

  @Override
  public void processElement(StreamRecord<RowData> element) {
    RowData row = element.getValue();
    if (row.isNullAt(id) || row.isNullAt(time)) {
      throw new IllegalArgumentException(
          "An event without an id or a time was inserted: leave out malformed events before");
    }
    int packedKind = row.isNullAt(kind) ? Layout.PROFILE : Layout.EVENT;
    output.collect(out.replace(packer.pack(row, source, packedKind, 0)));
  }
}
