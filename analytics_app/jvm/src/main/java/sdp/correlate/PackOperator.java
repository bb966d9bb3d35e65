package sdp.correlate;

import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import sdp.checks.Checks;
import sdp.keyed.Packed;
import sdp.keyed.RowPacker;

/** Checks and packs the rows that are written to a correlation, before they are shuffled. */
final class PackOperator extends AbstractStreamOperator<Packed>
    implements OneInputStreamOperator<RowData, Packed> {
  private static final long serialVersionUID = 1L;

  private final Checks checks;
  private final RowPacker packer;
  private final int[][] sources;
  private transient StreamRecord<Packed> out;

  /**
   * @param sources for each stage, and last for malformed records, where each column is in the row
   */
  PackOperator(Checks checks, RowPacker packer, int[][] sources) {
    this.checks = checks;
    this.packer = packer;
    this.sources = sources;
  }

  @Override
  public void open() throws Exception {
    super.open();
    out = new StreamRecord<>(null);
  }

  @Override
  public void processElement(StreamRecord<RowData> element) {
    RowData row = element.getValue();
    int reason = checks.violation(row);
    int stage = checks.stage();
    if (reason == 0 && stage == Checks.IGNORED) {
      return;
    }
    int kind = reason > 0 ? Join.MALFORMED : stage;
    int[] source = sources[reason > 0 ? sources.length - 1 : stage];
    output.collect(out.replace(packer.pack(row, source, kind, reason)));
  }
}
