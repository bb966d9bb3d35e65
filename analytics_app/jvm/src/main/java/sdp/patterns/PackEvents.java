package sdp.patterns;

import java.util.List;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import sdp.keyed.Packed;
import sdp.keyed.RowPacker;

/** Packs the rows that are events of a pattern, before they are shuffled; leaves out others. */
final class PackEvents extends AbstractStreamOperator<Packed>
    implements OneInputStreamOperator<RowData, Packed> {
  private static final long serialVersionUID = 1L;
  private static final int NONE = -1;

  private final RowPacker packer;
  private final int[] source;
  private final int id;
  private final int time;
  private final int level;
  private final int amount;
  private final int step;
  private final List<String> steps;
  private transient StreamRecord<Packed> out;
  private transient StringData[] names;

  /**
   * @param source where each column is in a row
   * @param level the column, -1 if there is none, as {@code amount} and {@code step}
   */
  PackEvents(
      RowPacker packer,
      int[] source,
      int id,
      int time,
      int level,
      int amount,
      int step,
      List<String> steps) {
    this.packer = packer;
    this.source = source.clone();
    this.id = id;
    this.time = time;
    this.level = level;
    this.amount = amount;
    this.step = step;
    this.steps = List.copyOf(steps);
  }

  @Override
  public void open() throws Exception {
    super.open();
    out = new StreamRecord<>(null);
    names = steps.stream().map(StringData::fromString).toArray(StringData[]::new);
  }

  @Override
  public void processElement(StreamRecord<RowData> element) {
    RowData row = element.getValue();
    int kind = kind(row);
    if (kind != NONE) {
      if (row.isNullAt(id) || row.isNullAt(time)) {
        throw new IllegalArgumentException(
            "An event without an id or a time was inserted: leave out malformed events before");
      }
      output.collect(out.replace(packer.pack(row, source, kind, 0)));
    }
  }

  private int kind(RowData row) {
    if (has(row, level)) {
      return Event.LEVEL;
    }
    if (has(row, amount)) {
      return Event.AMOUNT;
    }
    return has(row, step) ? step(row.getString(step)) : NONE;
  }

  private static boolean has(RowData row, int column) {
    return column >= 0 && !row.isNullAt(column);
  }

  private int step(StringData name) {
    for (int number = 0; number < names.length; number++) {
      if (names[number].equals(name)) {
        return Event.STEP + number;
      }
    }
    return NONE;
  }
}
