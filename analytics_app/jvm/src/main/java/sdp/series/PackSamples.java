package sdp.series;

import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import sdp.keyed.Packed;
import sdp.keyed.RowPacker;

/** Packs the rows that are samples of one of two series; leaves out others. */
final class PackSamples extends AbstractStreamOperator<Packed>
    implements OneInputStreamOperator<RowData, Packed> {
  private static final long serialVersionUID = 1L;
  private static final int NONE = -1;

  private final RowPacker packer;
  private final int[] source;
  private final int[] required;
  private final int series;
  private final String r;
  private final String s;
  private transient StreamRecord<Packed> out;
  private transient StringData[] names;

  /**
   * @param source where each column is in a row
   * @param required columns that a sample has: id, time and value
   * @param series the column with the name of the series
   */
  PackSamples(RowPacker packer, int[] source, int[] required, int series, String r, String s) {
    this.packer = packer;
    this.source = source.clone();
    this.required = required.clone();
    this.series = series;
    this.r = r;
    this.s = s;
  }

  @Override
  public void open() throws Exception {
    super.open();
    out = new StreamRecord<>(null);
    names = new StringData[] {StringData.fromString(r), StringData.fromString(s)};
  }

  @Override
  public void processElement(StreamRecord<RowData> element) {
    RowData row = element.getValue();
    int side = side(row);
    if (side != NONE) {
      for (int column : required) {
        if (row.isNullAt(column)) {
          throw new IllegalArgumentException(
              "A sample without an id, a time or a value was inserted: leave out malformed events"
                  + " before");
        }
      }
      output.collect(out.replace(packer.pack(row, source, side, 0)));
    }
  }

  private int side(RowData row) {
    if (row.isNullAt(series)) {
      return NONE;
    }
    StringData name = row.getString(series);
    if (names[Side.R].equals(name)) {
      return Side.R;
    }
    return names[Side.S].equals(name) ? Side.S : NONE;
  }
}
