package sdp.functions;

import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;

/**
 * Writes the values of a row's columns compactly and reads them back. A value is marked with its
 * column's name and type, not with its place: what was written before a column was added reads as
 * before, wherever the column was put. Columns that are null take no room.
 */
final class Columns implements Serializable {
  private static final long serialVersionUID = 2L;

  /** Marks the end of a row; no column is marked so. */
  private static final int END = 0;

  private final Codec[] codecs;
  private final int[] marks;
  private final List<String> names;

  Columns(List<String> names, List<LogicalType> types) {
    this.names = List.copyOf(names);
    codecs = types.stream().map(Columns::codec).toArray(Codec[]::new);
    marks = IntStream.range(0, codecs.length).map(c -> mark(names.get(c), types.get(c))).toArray();
    for (int column = 0; column < marks.length; column++) {
      int twin = position(marks[column], 0);
      if (twin < column) {
        throw new ValidationException(
            "CORRELATE cannot tell the columns '%s' and '%s' apart in its state: rename one."
                .formatted(names.get(twin), names.get(column)));
      }
    }
  }

  void write(Object[] values, DataOutputSerializer out) throws IOException {
    for (int column = 0; column < codecs.length; column++) {
      if (values[column] != null) {
        out.writeShort(marks[column]);
        codecs[column].write(values[column], out);
      }
    }
    out.writeShort(END);
  }

  Object[] read(DataInputDeserializer in) throws IOException {
    Object[] values = new Object[codecs.length];
    int next = 0;
    for (int mark = in.readUnsignedShort(); mark != END; mark = in.readUnsignedShort()) {
      int column = position(mark, next);
      if (column < 0) {
        throw new IOException(
            "The state holds a column that is none of "
                + names
                + " with its type: keep every column of CORRELATE's input and its type, and give"
                + " what is new a name of its own.");
      }
      values[column] = codecs[column].read(in);
      next = column + 1;
    }
    return values;
  }

  /** The column of that mark, or -1; mostly the one looked at first. */
  private int position(int mark, int first) {
    for (int step = 0; step < marks.length; step++) {
      int column = (first + step) % marks.length;
      if (marks[column] == mark) {
        return column;
      }
    }
    return -1;
  }

  /** Two bytes that stand for a column's name and the kind of its values. */
  private static int mark(String name, LogicalType type) {
    int hash = (name + ' ' + kind(type)).hashCode();
    int folded = (hash ^ hash >>> 16) & 0xFFFF;
    return folded == END ? 1 : folded;
  }

  /**
   * What is written alike is one kind: an expression's text may be CHAR today, VARCHAR tomorrow.
   */
  private static LogicalTypeRoot kind(LogicalType type) {
    return switch (type.getTypeRoot()) {
      case CHAR -> LogicalTypeRoot.VARCHAR;
      case BINARY -> LogicalTypeRoot.VARBINARY;
      default -> type.getTypeRoot();
    };
  }

  /** Seven bits a byte, least first; small and negative numbers are short. */
  static void writeLong(long value, DataOutputSerializer out) throws IOException {
    long rest = value << 1 ^ value >> 63;
    while ((rest & ~0x7FL) != 0) {
      out.writeByte((int) (rest & 0x7F | 0x80));
      rest >>>= 7;
    }
    out.writeByte((int) rest);
  }

  static long readLong(DataInputDeserializer in) throws IOException {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      int next = in.readUnsignedByte();
      value |= (long) (next & 0x7F) << shift;
      if (next < 0x80) {
        return value >>> 1 ^ -(value & 1);
      }
    }
  }

  private interface Codec extends Serializable {
    void write(Object value, DataOutputSerializer out) throws IOException;

    Object read(DataInputDeserializer in) throws IOException;
  }

  private interface Read extends Serializable {
    Object read(DataInputDeserializer in) throws IOException;
  }

  private interface Write<T> extends Serializable {
    void write(T value, DataOutputSerializer out) throws IOException;
  }

  private record Pair<T>(Write<T> writer, Read reader) implements Codec {
    @Override
    @SuppressWarnings("unchecked")
    public void write(Object value, DataOutputSerializer out) throws IOException {
      writer.write((T) value, out);
    }

    @Override
    public Object read(DataInputDeserializer in) throws IOException {
      return reader.read(in);
    }
  }

  private static Codec codec(LogicalType type) {
    return switch (type.getTypeRoot()) {
      case CHAR, VARCHAR ->
          new Pair<StringData>(
              (value, out) -> writeBytes(value.toBytes(), out),
              in -> StringData.fromBytes(readBytes(in)));
      case BINARY, VARBINARY -> new Pair<>(Columns::writeBytes, Columns::readBytes);
      case BIGINT -> new Pair<>(Columns::writeLong, Columns::readLong);
      case INTEGER, DATE ->
          new Pair<Integer>(Columns::writeLong, in -> Math.toIntExact(readLong(in)));
      case DOUBLE -> new Pair<Double>((v, out) -> out.writeDouble(v), in -> in.readDouble());
      case BOOLEAN -> new Pair<Boolean>((v, out) -> out.writeBoolean(v), in -> in.readBoolean());
      case TIMESTAMP_WITHOUT_TIME_ZONE, TIMESTAMP_WITH_LOCAL_TIME_ZONE ->
          new Pair<>(Columns::writeTimestamp, Columns::readTimestamp);
      case ROW -> row((RowType) type);
      default ->
          throw new ValidationException(
              "Columns of type " + type.asSummaryString() + " are not supported.");
    };
  }

  private static Codec row(RowType type) {
    Columns nested = new Columns(type.getFieldNames(), type.getChildren());
    RowData.FieldGetter[] getters = Fields.getters(type);
    return new Pair<RowData>(
        (value, out) -> nested.write(Fields.values(value, getters), out),
        in -> GenericRowData.of(nested.read(in)));
  }

  private static void writeBytes(byte[] value, DataOutputSerializer out) throws IOException {
    writeLong(value.length, out);
    out.write(value);
  }

  private static byte[] readBytes(DataInputDeserializer in) throws IOException {
    byte[] value = new byte[Math.toIntExact(readLong(in))];
    in.readFully(value);
    return value;
  }

  private static void writeTimestamp(TimestampData value, DataOutputSerializer out)
      throws IOException {
    writeLong(value.getMillisecond(), out);
    writeLong(value.getNanoOfMillisecond(), out);
  }

  private static TimestampData readTimestamp(DataInputDeserializer in) throws IOException {
    return TimestampData.fromEpochMillis(readLong(in), Math.toIntExact(readLong(in)));
  }
}
