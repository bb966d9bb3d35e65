package sdp.functions;

import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;

/**
 * Writes the values of a row's columns compactly and reads them back: columns that are null take no
 * room, and a column that is added at the end later reads as null from what was written before.
 */
final class Columns implements Serializable {
  private static final long serialVersionUID = 1L;

  /** A column is named by one byte, and one value of it means the end. */
  private static final int MOST = 254;

  private final Codec[] codecs;

  Columns(List<LogicalType> types) {
    if (types.size() > MOST) {
      throw new ValidationException("Rows of more than " + MOST + " columns are not supported.");
    }
    codecs = types.stream().map(Columns::codec).toArray(Codec[]::new);
  }

  void write(Object[] values, DataOutputSerializer out) throws IOException {
    for (int column = 0; column < codecs.length; column++) {
      if (values[column] != null) {
        out.writeByte(column + 1);
        codecs[column].write(values[column], out);
      }
    }
    out.writeByte(0);
  }

  Object[] read(DataInputDeserializer in) throws IOException {
    Object[] values = new Object[codecs.length];
    for (int column = in.readUnsignedByte(); column != 0; column = in.readUnsignedByte()) {
      values[column - 1] = codecs[column - 1].read(in);
    }
    return values;
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
    Columns nested = new Columns(type.getChildren());
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
