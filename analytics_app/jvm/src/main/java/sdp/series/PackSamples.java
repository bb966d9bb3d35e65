package sdp.series;

import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import sdp.keyed.Packed;
import sdp.keyed.RowPacker;

/** Packs samples. Which of them a join takes is known only where the definitions are. */
final class PackSamples extends AbstractStreamOperator<Packed>
    implements OneInputStreamOperator<RowData, Packed> {
  private static final long serialVersionUID = 1L;

  private final RowPacker packer;
  private final int[] source;
  private final int[] required;
  private transient StreamRecord<Packed> out;

  /**
   * @param source where each column is in a row
   * @param required columns that a sample has: id, time and value
   */
  PackSamples(RowPacker packer, int[] source, int[] required) {
    this.packer = packer;
    this.source = source.clone();
    this.required = required.clone();
  }

  @Override
  public void open() throws Exception {
    super.open();
    out = new StreamRecord<>(null);
  }

  @Override
  public void processElement(StreamRecord<RowData> element) {
    RowData row = element.getValue();
    for (int column : required) {
      if (row.isNullAt(column)) {
        throw new IllegalArgumentException(
            "A sample without an id, a time or a value was inserted: leave out malformed events"
                + " before");
      }
    }
    output.collect(out.replace(packer.pack(row, source, 0, 0)));
  }
}
