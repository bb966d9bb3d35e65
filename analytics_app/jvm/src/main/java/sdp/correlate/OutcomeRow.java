package sdp.correlate;

import java.util.Arrays;
import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.core.memory.MemorySegmentFactory;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.RawValueData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.types.RowKind;
import org.apache.flink.types.variant.Variant;
import sdp.keyed.Block;

/**
 * An outcome as a row: the columns of a record, filled from those merged of earlier stages, then
 * the outcome, its detail and the time of each matched stage. Decodes only what is read; valid
 * until the next outcome.
 */
final class OutcomeRow implements RowData {
  private final Layout layout;
  private final int columns;
  private final int key;
  private final StringData[] outcomes;

  private Outcome outcome;
  private String detail;
  private byte[] record;
  private int recordAt;
  private long recordColumns;
  private byte[] merged;
  private int mergedAt;
  private long mergedColumns;
  private byte[] keyBytes;
  private int keyAt;
  private int keyLength;
  private long[] times;
  private int matched;
  private RowKind kind = RowKind.INSERT;

  OutcomeRow(Layout layout) {
    this.layout = layout;
    this.columns = layout.columns().size();
    this.key = layout.key();
    this.outcomes =
        Arrays.stream(Outcome.values())
            .map(each -> BinaryStringData.fromString(each.label()))
            .toArray(StringData[]::new);
  }

  /** A record as it came, and why it is not counted. */
  OutcomeRow refused(Outcome what, byte[] bytes, int block, String why) {
    return set(what, bytes, block, null, 0, null, 0, why);
  }

  /** A record with what earlier stages are known to have. */
  OutcomeRow matched(
      byte[] bytes, int block, byte[] earlier, int earlierAt, long[] at, int stages) {
    return set(Outcome.MATCHED, bytes, block, earlier, earlierAt, at, stages, null);
  }

  /** What the matched stages of a key have in common. */
  OutcomeRow closed(byte[] of, int from, int length, byte[] all, int at, long[] when, int stages) {
    keyBytes = of;
    keyAt = from;
    keyLength = length;
    return set(Outcome.CLOSED, null, 0, all, at, when, stages, null);
  }

  private OutcomeRow set(
      Outcome what,
      byte[] bytes,
      int block,
      byte[] earlier,
      int earlierAt,
      long[] at,
      int stages,
      String why) {
    outcome = what;
    record = bytes;
    recordAt = block;
    recordColumns = bytes == null ? 0 : Block.columns(bytes, block);
    merged = earlier;
    mergedAt = earlierAt;
    mergedColumns = earlier == null ? 0 : Block.columns(earlier, earlierAt);
    times = at;
    matched = stages;
    detail = why;
    return this;
  }

  Outcome outcome() {
    return outcome;
  }

  /** The bytes that have the record, and where its block is in them. */
  byte[] record() {
    return record;
  }

  int recordAt() {
    return recordAt;
  }

  @Override
  public int getArity() {
    return layout.width();
  }

  @Override
  public RowKind getRowKind() {
    return kind;
  }

  @Override
  public void setRowKind(RowKind to) {
    kind = to;
  }

  @Override
  public boolean isNullAt(int column) {
    if (column < columns) {
      return ((recordColumns | mergedColumns) >>> column & 1) == 0 && !isKeyOfClosed(column);
    }
    int behind = column - columns;
    return switch (behind) {
      case 0 -> false;
      case 1 -> detail == null;
      default -> behind - 2 >= matched;
    };
  }

  private boolean isKeyOfClosed(int column) {
    return column == key && record == null;
  }

  private boolean isOfRecord(int column) {
    return (recordColumns >>> column & 1) != 0;
  }

  private long slot(int column) {
    return isOfRecord(column)
        ? Block.slot(record, recordAt, column)
        : Block.slot(merged, mergedAt, column);
  }

  @Override
  public long getLong(int column) {
    return slot(column);
  }

  @Override
  public int getInt(int column) {
    return (int) slot(column);
  }

  @Override
  public double getDouble(int column) {
    return Double.longBitsToDouble(slot(column));
  }

  @Override
  public boolean getBoolean(int column) {
    return slot(column) != 0;
  }

  @Override
  public StringData getString(int column) {
    if (column >= columns) {
      return column == columns ? outcomes[outcome.ordinal()] : BinaryStringData.fromString(detail);
    }
    if (isKeyOfClosed(column)) {
      return text(keyBytes, keyAt, keyLength);
    }
    long slot = slot(column);
    boolean mine = isOfRecord(column);
    int start = (mine ? recordAt : mergedAt) + Block.offset(slot);
    return text(mine ? record : merged, start, Block.length(slot));
  }

  private static StringData text(byte[] bytes, int from, int length) {
    MemorySegment[] segments = {MemorySegmentFactory.wrap(bytes)};
    return BinaryStringData.fromAddress(segments, from, length);
  }

  @Override
  public byte[] getBinary(int column) {
    long slot = slot(column);
    boolean mine = isOfRecord(column);
    int start = (mine ? recordAt : mergedAt) + Block.offset(slot);
    return Arrays.copyOfRange(mine ? record : merged, start, start + Block.length(slot));
  }

  @Override
  public TimestampData getTimestamp(int column, int precision) {
    return TimestampData.fromEpochMillis(
        column < columns ? slot(column) : times[column - columns - 2]);
  }

  @Override
  public byte getByte(int column) {
    throw unsupported();
  }

  @Override
  public short getShort(int column) {
    throw unsupported();
  }

  @Override
  public float getFloat(int column) {
    throw unsupported();
  }

  @Override
  public DecimalData getDecimal(int column, int precision, int scale) {
    throw unsupported();
  }

  @Override
  public <T> RawValueData<T> getRawValue(int column) {
    throw unsupported();
  }

  @Override
  public ArrayData getArray(int column) {
    throw unsupported();
  }

  @Override
  public MapData getMap(int column) {
    throw unsupported();
  }

  @Override
  public RowData getRow(int column, int fields) {
    throw unsupported();
  }

  @Override
  public Variant getVariant(int column) {
    throw unsupported();
  }

  private static UnsupportedOperationException unsupported() {
    return new UnsupportedOperationException("No column of a correlation has this type");
  }
}
