package sdp.keyed;

import java.util.Arrays;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;

/** A refused record as a row: its columns as they came, the outcome and why. */
public final class RefusedRow {

  /**
   * @param block where the columns start in the bytes
   */
  public static GenericRowData of(
      LogicalTypeRoot[] types, byte[] bytes, int block, String outcome, String why) {
    long columns = Block.columns(bytes, block);
    GenericRowData row = new GenericRowData(types.length + 2);
    for (int column = 0; column < types.length; column++) {
      if ((columns >>> column & 1) != 0) {
        row.setField(column, value(types[column], bytes, block, column));
      }
    }
    row.setField(types.length, StringData.fromString(outcome));
    row.setField(types.length + 1, StringData.fromString(why));
    return row;
  }

  private static Object value(LogicalTypeRoot type, byte[] bytes, int block, int column) {
    long slot = Block.slot(bytes, block, column);
    return switch (type) {
      case CHAR, VARCHAR -> StringData.fromBytes(variable(bytes, block, slot));
      case BINARY, VARBINARY -> variable(bytes, block, slot);
      case BIGINT -> slot;
      case INTEGER -> (int) slot;
      case DOUBLE -> Double.longBitsToDouble(slot);
      case BOOLEAN -> slot != 0;
      case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> TimestampData.fromEpochMillis(slot);
      default -> throw new IllegalStateException("No column can have the type " + type);
    };
  }

  private static byte[] variable(byte[] bytes, int block, long slot) {
    int at = block + Block.offset(slot);
    return Arrays.copyOfRange(bytes, at, at + Block.length(slot));
  }

  private RefusedRow() {}
}
