package sdp.decisions;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.Serializable;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import sdp.keyed.Block;
import sdp.keyed.Bytes;
import sdp.keyed.Packed;

/**
 * The fields of a business event or a profile: taken from a record's columns, stored by the hash of
 * their names, so that columns can come and go between two versions of a job.
 *
 * <p>Stored: how many are not null (1 byte), and of each the hash of its name (4), its type (1) and
 * its value (8, or the length in 4 and the bytes of a text).
 */
record Fields(List<Field> all) implements Serializable {
  private static final int TEXT = 0;
  private static final int LONG = 1;
  private static final int DOUBLE = 2;
  private static final int BOOLEAN = 3;
  private static final int TIME = 4;

  /**
   * @param column its number in a record
   */
  record Field(String name, int column, LogicalTypeRoot type) implements Serializable {
    int hash() {
      byte[] bytes = name.getBytes(UTF_8);
      return (int) Bytes.hash(bytes, 0, bytes.length);
    }
  }

  /** Whether a column of the type can be a field. */
  static boolean takes(LogicalTypeRoot type) {
    return type(type) >= 0;
  }

  private static int type(LogicalTypeRoot type) {
    return switch (type) {
      case CHAR, VARCHAR -> TEXT;
      case BIGINT, INTEGER -> LONG;
      case DOUBLE -> DOUBLE;
      case BOOLEAN -> BOOLEAN;
      case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> TIME;
      default -> -1;
    };
  }

  void write(Packed packed, DataOutputSerializer out) throws IOException {
    long columns = Block.columns(packed.bytes(), Packed.BLOCK);
    int count = 0;
    for (Field field : all) {
      count += (int) (columns >>> field.column & 1);
    }
    out.writeByte(count);
    for (Field field : all) {
      if ((columns >>> field.column & 1) != 0) {
        write(field, packed.bytes(), out);
      }
    }
  }

  private static void write(Field field, byte[] bytes, DataOutputSerializer out)
      throws IOException {
    long slot = Block.slot(bytes, Packed.BLOCK, field.column);
    int type = type(field.type);
    out.writeInt(field.hash());
    out.writeByte(type);
    if (type == TEXT) {
      out.writeInt(Block.length(slot));
      out.write(bytes, Packed.BLOCK + Block.offset(slot), Block.length(slot));
    } else {
      out.writeLong(slot);
    }
  }

  /** The fields as values of CEL; those that are null, or no longer fields, are not there. */
  Map<String, Object> read(byte[] bytes, int at, int length) throws IOException {
    DataInputDeserializer in = new DataInputDeserializer(bytes, at, length);
    Map<Integer, String> names = new HashMap<>();
    all.forEach(field -> names.put(field.hash(), field.name));
    Map<String, Object> values = new HashMap<>();
    for (int left = in.readUnsignedByte(); left > 0; left--) {
      String name = names.get(in.readInt());
      Object value = value(in);
      if (name != null) {
        values.put(name, value);
      }
    }
    return values;
  }

  private static Object value(DataInputDeserializer in) throws IOException {
    int type = in.readUnsignedByte();
    if (type == TEXT) {
      byte[] text = new byte[in.readInt()];
      in.readFully(text);
      return new String(text, UTF_8);
    }
    long slot = in.readLong();
    return switch (type) {
      case LONG -> slot;
      case DOUBLE -> Double.longBitsToDouble(slot);
      case BOOLEAN -> slot != 0;
      case TIME -> Instant.ofEpochMilli(slot);
      default -> throw new IOException("A stored field has the unknown type " + type);
    };
  }
}
