package sdp.patterns;

import java.util.Arrays;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import sdp.keyed.Block;
import sdp.keyed.Packed;

/** A refused event as a row: its columns as they came, the outcome and why. */
final class RefusedRow {

  static GenericRowData of(LogicalTypeRoot[] types, Refusal refusal, Packed packed, String why) {
    byte[] bytes = packed.bytes();
    long columns = Block.columns(bytes, Packed.BLOCK);
    GenericRowData row = new GenericRowData(types.length + 2);
    for (int column = 0; column < types.length; column++) {
      if ((columns >>> column & 1) != 0) {
        row.setField(column, value(types[column], bytes, column));
      }
    }
    row.setField(types.length, StringData.fromString(refusal.label()));
    row.setField(types.length + 1, StringData.fromString(why));
    return row;
  }

  private static Object value(LogicalTypeRoot type, byte[] bytes, int column) {
    long slot = Block.slot(bytes, Packed.BLOCK, column);
    return switch (type) {
      case CHAR, VARCHAR -> StringData.fromBytes(variable(bytes, slot));
      case BINARY, VARBINARY -> variable(bytes, slot);
      case BIGINT -> slot;
      case INTEGER -> (int) slot;
      case DOUBLE -> Double.longBitsToDouble(slot);
      case BOOLEAN -> slot != 0;
      case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> TimestampData.fromEpochMillis(slot);
      default -> throw new IllegalStateException("No column can have the type " + type);
    };
  }

  private static byte[] variable(byte[] bytes, long slot) {
    int at = Packed.BLOCK + Block.offset(slot);
    return Arrays.copyOfRange(bytes, at, at + Block.length(slot));
  }

  private RefusedRow() {}
}
