package sdp.patterns;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;
import sdp.keyed.Block;
import sdp.keyed.KeyedStream;
import sdp.keyed.Ports;
import sdp.keyed.RowPacker;

/** The options and columns of a table that is written to, checked and put together. */
final class PatternsCall {
  static final String FOUND = "found";
  static final String REFUSED = "refused";
  private static final int MAX_STEPS = 20;

  private final ReadableConfig options;
  private final Map<String, String> all;
  private final String name;
  private final List<String> columns;
  private final List<LogicalType> types;
  private final List<String> steps;
  private final Pattern[] patterns;
  private final int key;
  private final int id;
  private final int time;
  private final int data;
  private final int level;
  private final int amount;
  private final int step;

  /**
   * @param all the options as they are written, those of the patterns included
   */
  PatternsCall(RowType rows, ReadableConfig options, Map<String, String> all) {
    this.options = options;
    this.all = all;
    name = options.get(PatternsOptions.NAME);
    columns = rows.getFieldNames();
    types = rows.getChildren().stream().map(type -> type.copy(true)).toList();
    steps = names(PatternsOptions.STEPS);
    if (columns.size() > Block.MAX_COLUMNS) {
      throw PatternsOptions.wrong(
          "name", "has %d columns; at most %d".formatted(columns.size(), Block.MAX_COLUMNS));
    }
    if (steps.size() > MAX_STEPS) {
      throw PatternsOptions.wrong("steps", "has at most " + MAX_STEPS);
    }
    types.forEach(PatternsCall::check);
    key = column(PatternsOptions.KEY, LogicalTypeRoot.VARCHAR);
    id = column(PatternsOptions.ID, LogicalTypeRoot.VARCHAR);
    time = column(PatternsOptions.TIME, LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE);
    data = optional(PatternsOptions.DATA, LogicalTypeRoot.VARBINARY);
    level = optional(PatternsOptions.LEVEL, LogicalTypeRoot.DOUBLE);
    amount = optional(PatternsOptions.AMOUNT, LogicalTypeRoot.DOUBLE);
    step = optional(PatternsOptions.STEP, LogicalTypeRoot.VARCHAR);
    patterns = patterns();
  }

  private Pattern[] patterns() {
    List<String> kinds = names(PatternsOptions.KINDS);
    if (kinds.isEmpty() || kinds.size() > kinds.stream().distinct().count()) {
      throw PatternsOptions.wrong("kinds", "is one or more different names");
    }
    return kinds.stream()
        .map(kind -> new PatternOptions(kind, all).pattern(steps.size()))
        .toArray(Pattern[]::new);
  }

  private static void check(LogicalType type) {
    if (!RowPacker.packs(type.getTypeRoot())) {
      throw PatternsOptions.wrong(
          "name", "has a column of type " + type + ", which it cannot store");
    }
  }

  private List<String> names(ConfigOption<String> option) {
    return PatternsOptions.names(options.getOptional(option).orElse(""));
  }

  private int column(ConfigOption<String> option, LogicalTypeRoot type) {
    int column = columns.indexOf(PatternsOptions.required(options, option));
    if (column < 0 || types.get(column).getTypeRoot() != type) {
      throw PatternsOptions.wrong(
          option.key(), "names a column of type %s, one of %s".formatted(type, columns));
    }
    return column;
  }

  private int optional(ConfigOption<String> option, LogicalTypeRoot type) {
    return options.getOptional(option).isPresent() ? column(option, type) : -1;
  }

  String name() {
    return name;
  }

  // --- ports ------------------------------------------------------------------------------------

  Ports ports() {
    Ports ports = new Ports(name);
    ports.add(FOUND, List.of(MatchRow.NAMES), List.of(MatchRow.TYPES));
    List<String> names = new ArrayList<>(columns);
    names.addAll(List.of("outcome", "detail"));
    List<LogicalType> refused = new ArrayList<>(types);
    LogicalType text = DataTypes.STRING().getLogicalType();
    refused.addAll(List.of(text, text));
    ports.add(REFUSED, names, refused);
    return ports;
  }

  // --- operators --------------------------------------------------------------------------------

  SingleOutputStreamOperator<RowData> attach(DataStream<RowData> rows) {
    LogicalTypeRoot[] roots =
        types.stream().map(LogicalType::getTypeRoot).toArray(LogicalTypeRoot[]::new);
    int[] source = IntStream.range(0, roots.length).toArray();
    PatternsOperator operator =
        new PatternsOperator(
            name,
            new Evaluation.Columns(columns.get(key), id, level, amount),
            patterns,
            options.get(PatternsOptions.REMEMBER).toMillis(),
            options.get(PatternsOptions.HEAP_SHARE),
            roots,
            ports());
    PackEvents pack =
        new PackEvents(
            new RowPacker(roots, key, time, data), source, id, time, level, amount, step, steps);
    return KeyedStream.attach(rows, name, pack, operator, ports().information(FOUND))
        .setDescription(description());
  }

  /** What must stay while the state is kept, as the planner describes its operators. */
  private String description() {
    String kinds =
        String.join(", ", Arrays.stream(patterns).map(p -> p.kind() + " " + p.layout()).toList());
    return "Patterns(key=[%s], kinds=[%s])".formatted(columns.get(key), kinds);
  }
}
