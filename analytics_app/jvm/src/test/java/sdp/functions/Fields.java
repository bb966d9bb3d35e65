package sdp.functions;

import java.util.stream.IntStream;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;

/** Access to the values of a row as Flink holds them internally. */
final class Fields {

  /** One getter for each field of the type. */
  static RowData.FieldGetter[] getters(RowType type) {
    return IntStream.range(0, type.getFieldCount())
        .mapToObj(field -> RowData.createFieldGetter(type.getTypeAt(field), field))
        .toArray(RowData.FieldGetter[]::new);
  }

  /** The values the getters find in the row. */
  static Object[] values(RowData row, RowData.FieldGetter[] getters) {
    Object[] values = new Object[getters.length];
    for (int i = 0; i < getters.length; i++) {
      values[i] = getters[i].getFieldOrNull(row);
    }
    return values;
  }

  private Fields() {}
}
