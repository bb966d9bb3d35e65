package sdp.functions;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.TableSemantics;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.CallContext;
import org.apache.flink.table.types.logical.LocalZonedTimestampType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeFamily;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.TimestampType;

/**
 * One call of CORRELATE as the planner sees it: the arguments, checked, and the input's columns.
 *
 * @param stages the values of the stage column, in order
 * @param names the input's columns except those of PARTITION BY, which Flink passes on by itself
 * @param types their types, without time attributes and nullable
 * @param positions where they are in the input
 * @param slicePosition where the slice, the one column of PARTITION BY, is in the input
 * @param keyColumn which of the columns is the key
 * @param stagePosition where the stage column is in the input
 * @param own for each column, whether it is never filled from an earlier stage
 */
record CorrelateSettings(
    List<String> stages,
    List<String> names,
    List<LogicalType> types,
    int[] positions,
    int slicePosition,
    int keyColumn,
    int stagePosition,
    boolean[] own)
    implements Serializable {

  static final String INPUT = "input";
  static final String KEY_COLUMN = "key_column";
  static final String STAGE_COLUMN = "stage_column";
  static final String STAGES = "stages";
  static final String OWN = "own";
  static final String WINDOW_MS = "window_ms";
  static final String LATENESS_MS = "lateness_ms";

  /** The order of the arguments. */
  static final List<String> ARGUMENTS =
      List.of(INPUT, KEY_COLUMN, STAGE_COLUMN, STAGES, OWN, WINDOW_MS, LATENESS_MS);

  /** A key's stages are bits of an int, and a state is small. */
  private static final int MOST_STAGES = 16;

  static CorrelateSettings of(CallContext call) {
    TableSemantics table = call.getTableSemantics(0).orElseThrow(() -> wrong(INPUT, "a table"));
    RowType input = (RowType) table.dataType().getLogicalType();
    List<String> stages = list(text(call, STAGES));
    if (stages.isEmpty() || stages.size() > MOST_STAGES) {
      throw wrong(STAGES, "1 to " + MOST_STAGES + " names, separated by commas");
    }
    int slice = slice(table, input);
    int[] positions = IntStream.range(0, input.getFieldCount()).filter(i -> i != slice).toArray();
    List<String> names = Arrays.stream(positions).mapToObj(input.getFieldNames()::get).toList();
    return new CorrelateSettings(
        stages,
        names,
        new ArrayList<>(Arrays.stream(positions).mapToObj(i -> plain(input.getTypeAt(i))).toList()),
        positions,
        slice,
        key(input, names, text(call, KEY_COLUMN)),
        column(input.getFieldNames(), text(call, STAGE_COLUMN), STAGE_COLUMN),
        own(names, list(text(call, OWN)), text(call, KEY_COLUMN)));
  }

  /**
   * The rules of the call. Known only once the planner has folded constants: {@code CAST(1 AS
   * BIGINT)} is no literal before that, so type inference does without them.
   */
  static Correlation rules(CallContext call) {
    int stages = list(text(call, STAGES)).size();
    return new Correlation(stages, duration(call, WINDOW_MS), duration(call, LATENESS_MS));
  }

  /** The function's own part of the output: the columns, the outcome, a time for each stage. */
  DataType output() {
    List<DataTypes.Field> fields = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      fields.add(DataTypes.FIELD(names.get(i), DataTypes.of(types.get(i))));
    }
    fields.add(DataTypes.FIELD("outcome", DataTypes.STRING()));
    stages.forEach(s -> fields.add(DataTypes.FIELD(s + "_at", DataTypes.TIMESTAMP_LTZ(3))));
    return DataTypes.ROW(fields).notNull().bridgedTo(RowData.class);
  }

  RowData.FieldGetter[] getters() {
    return IntStream.range(0, positions.length)
        .mapToObj(i -> RowData.createFieldGetter(types.get(i), positions[i]))
        .toArray(RowData.FieldGetter[]::new);
  }

  private static int slice(TableSemantics table, RowType input) {
    int[] columns = table.partitionByColumns();
    if (columns.length != 1 || !input.getTypeAt(columns[0]).is(LogicalTypeRoot.INTEGER)) {
      throw wrong("PARTITION BY", "one INT column, made by SLICE of the key");
    }
    return columns[0];
  }

  private static int key(RowType input, List<String> names, String name) {
    int column = column(names, name, KEY_COLUMN);
    LogicalType type = input.getTypeAt(input.getFieldIndex(name));
    if (!type.is(LogicalTypeFamily.CHARACTER_STRING)) {
      throw wrong(KEY_COLUMN, "a STRING, not " + type.asSummaryString() + ": cast '" + name + "'");
    }
    return column;
  }

  private static boolean[] own(List<String> names, List<String> wanted, String key) {
    boolean[] own = new boolean[names.size()];
    wanted.forEach(name -> own[column(names, name, OWN)] = true);
    if (own[names.indexOf(key)]) {
      throw wrong(OWN, "without '" + key + "': all records of a key have it in common");
    }
    return own;
  }

  private static int column(List<String> names, String name, String argument) {
    int position = names.indexOf(name);
    if (position < 0) {
      throw wrong(argument, "a column of the input " + names + ", not '" + name + "'");
    }
    return position;
  }

  /** A time attribute stays one only as the rowtime that Flink adds. */
  private static LogicalType plain(LogicalType type) {
    return switch (type.getTypeRoot()) {
      case TIMESTAMP_WITH_LOCAL_TIME_ZONE ->
          new LocalZonedTimestampType(true, ((LocalZonedTimestampType) type).getPrecision());
      case TIMESTAMP_WITHOUT_TIME_ZONE ->
          new TimestampType(true, ((TimestampType) type).getPrecision());
      default -> type.copy(true);
    };
  }

  private static String text(CallContext call, String argument) {
    return call.getArgumentValue(ARGUMENTS.indexOf(argument), String.class)
        .orElseThrow(() -> wrong(argument, "a literal"));
  }

  private static long duration(CallContext call, String argument) {
    return call.getArgumentValue(ARGUMENTS.indexOf(argument), Long.class)
        .filter(millis -> millis >= 0)
        .orElseThrow(() -> wrong(argument, "milliseconds: a literal BIGINT that is not negative"));
  }

  private static List<String> list(String names) {
    return Arrays.stream(names.split(",")).map(String::strip).filter(n -> !n.isEmpty()).toList();
  }

  private static ValidationException wrong(String argument, String expected) {
    return new ValidationException("CORRELATE: " + argument + " must be " + expected + ".");
  }
}
