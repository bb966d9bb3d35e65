package sdp.decisions;

import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.RowType;
import sdp.scores.Model;

/** The columns that are a model's inputs, by their names. */
final class ScoredColumns {
  private final List<String> names;
  private final RowData.FieldGetter[] getters;
  private Model model;
  private String missing;
  private RowData.FieldGetter[] inputs;

  ScoredColumns(RowType rows) {
    names = rows.getFieldNames();
    getters =
        IntStream.range(0, names.size())
            .mapToObj(column -> RowData.createFieldGetter(rows.getTypeAt(column), column))
            .toArray(RowData.FieldGetter[]::new);
  }

  /** Selects the inputs of a model; returns the first that is no column, or null. */
  String select(Model next) {
    if (next != model) {
      List<String> wanted = next.inputs().stream().map(Model.Input::name).toList();
      missing = wanted.stream().filter(input -> !names.contains(input)).findFirst().orElse(null);
      inputs =
          wanted.stream()
              .filter(names::contains)
              .map(input -> getters[names.indexOf(input)])
              .toArray(RowData.FieldGetter[]::new);
      model = next;
    }
    return missing;
  }

  /** The values of a row, in the order of the model's inputs. */
  Object[] values(RowData row) {
    Object[] values = new Object[inputs.length];
    for (int input = 0; input < values.length; input++) {
      Object value = inputs[input].getFieldOrNull(row);
      values[input] = value instanceof StringData text ? text.toString() : value;
    }
    return values;
  }
}
