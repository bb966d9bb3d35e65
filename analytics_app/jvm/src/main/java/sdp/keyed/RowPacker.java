package sdp.keyed;

import java.io.Serializable;
import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;

/**
 * Packs rows at their sender. The bytes of the original record go in once; a text that is part of
 * them (as the reader of JSON leaves it) is an offset and a length.
 */
public final class RowPacker implements Serializable {
  private static final long serialVersionUID = 1L;

  private final LogicalTypeRoot[] types;
  private final int key;
  private final int time;
  private final int data;

  private transient Packed packed;
  private transient int end;
  private transient byte[] original;
  private transient int originalAt;

  /**
   * @param types of the columns that are packed
   * @param key which of them is the key, a text
   * @param time which is the event time
   * @param data which has the bytes of the original record, or -1
   */
  public RowPacker(LogicalTypeRoot[] types, int key, int time, int data) {
    this.types = types.clone();
    this.key = key;
    this.time = time;
    this.data = data;
  }

  /** Whether a column of the type can be packed. */
  public static boolean packs(LogicalTypeRoot type) {
    return switch (type) {
      case CHAR,
          VARCHAR,
          BINARY,
          VARBINARY,
          BIGINT,
          INTEGER,
          DOUBLE,
          BOOLEAN,
          TIMESTAMP_WITH_LOCAL_TIME_ZONE ->
          true;
      default -> false;
    };
  }

  /**
   * Packs a row into the one object that is always returned.
   *
   * @param source for each column, where it is in the row; -1 where it has none
   */
  public Packed pack(RowData row, int[] source, int kind, int reason) {
    if (packed == null) {
      packed = new Packed();
    }
    long columns = columns(row, source);
    end = Packed.BLOCK + Block.values(columns);
    packed.ensure(end);
    packed.clear(kind, reason);
    Bytes.putLong(packed.bytes(), Packed.BLOCK, columns);
    original = null;
    packOriginal(row, source, columns);
    int slot = Packed.BLOCK + Block.BITMAP;
    for (long left = columns; left != 0; left &= left - 1, slot += 8) {
      int column = Long.numberOfTrailingZeros(left);
      long value = value(row, source[column], column);
      Bytes.putLong(packed.bytes(), slot, value);
    }
    packed.setLength(end);
    if (!packed.hasKey()) {
      packed.spread();
    }
    return packed;
  }

  private static long columns(RowData row, int[] source) {
    long columns = 0;
    for (int column = 0; column < source.length; column++) {
      if (source[column] >= 0 && !row.isNullAt(source[column])) {
        columns |= 1L << column;
      }
    }
    return columns;
  }

  private void packOriginal(RowData row, int[] source, long columns) {
    if (data >= 0 && (columns >>> data & 1) != 0) {
      original = row.getBinary(source[data]);
      originalAt = append(original, 0, original.length);
    }
  }

  private long value(RowData row, int from, int column) {
    return switch (types[column]) {
      case CHAR, VARCHAR -> text(row.getString(from), column);
      case BINARY, VARBINARY -> column == data ? originalSlot() : bytes(row.getBinary(from));
      case BIGINT -> row.getLong(from);
      case INTEGER -> row.getInt(from);
      case DOUBLE -> Double.doubleToRawLongBits(row.getDouble(from));
      case BOOLEAN -> row.getBoolean(from) ? 1 : 0;
      case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> time(row, from, column);
      default -> throw new IllegalStateException("No column can have the type " + types[column]);
    };
  }

  private long originalSlot() {
    return Block.slotOf(originalAt, original.length);
  }

  private long bytes(byte[] value) {
    return Block.slotOf(append(value, 0, value.length), value.length);
  }

  private long time(RowData row, int from, int column) {
    long millis = row.getTimestamp(from, 3).getMillisecond();
    if (column == time) {
      packed.setTime(millis);
    }
    return millis;
  }

  private long text(StringData value, int column) {
    BinaryStringData text = (BinaryStringData) value;
    text.ensureMaterialized();
    int length = text.getSizeInBytes();
    int offset = offset(text, length);
    if (column == key) {
      packed.setKey(offset, length);
    }
    return Block.slotOf(offset, length);
  }

  private int offset(BinaryStringData text, int length) {
    MemorySegment[] segments = text.getSegments();
    if (segments.length > 1) {
      return append(text.toBytes(), 0, length);
    }
    byte[] array = segments[0].getArray();
    if (array == original) {
      return originalAt + text.getOffset();
    }
    return array == null
        ? append(text.toBytes(), 0, length)
        : append(array, text.getOffset(), length);
  }

  /** Adds a value of variable length; returns where it is from the start of the block. */
  private int append(byte[] from, int offset, int length) {
    int at = end;
    System.arraycopy(from, offset, packed.ensure(end + length), at, length);
    end += length;
    return at - Packed.BLOCK;
  }
}
