package sdp.correlate;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;
import sdp.checks.Check;
import sdp.checks.Checks;
import sdp.keyed.Block;
import sdp.keyed.KeyedStream;
import sdp.keyed.Packed;
import sdp.keyed.Ports;
import sdp.keyed.RowPacker;
import sdp.ledger.Ledger;
import sdp.ledger.Stamp;

/** The options and columns of a table that is written to, checked and put together. */
final class CorrelateCall {
  /** A key has a bit for each stage. */
  private static final int MAX_STAGES = 16;

  /** A stage's time is stored as its distance from the first stage's. */
  private static final Duration MAX_WINDOW = Duration.ofMillis(Integer.MAX_VALUE);

  private final ReadableConfig options;
  private final List<String> written;
  private final List<String> columns;
  private final List<LogicalType> types = new ArrayList<>();
  private final List<String> stages;
  private final Map<String, Integer> renamed = new HashMap<>();

  CorrelateCall(RowType rows, ReadableConfig options) {
    this.options = options;
    written = rows.getFieldNames();
    columns = new ArrayList<>(written);
    rows.getChildren().forEach(type -> types.add(type.copy(true)));
    stages = CorrelateOptions.names(options, CorrelateOptions.STAGES);
    if (stages.isEmpty() || stages.size() > MAX_STAGES) {
      throw CorrelateOptions.wrong(
          CorrelateOptions.STAGES, "is 1 to " + MAX_STAGES + " names, separated by commas");
    }
    rename();
    check();
  }

  private void rename() {
    for (String rename : CorrelateOptions.names(options, CorrelateOptions.RENAMED)) {
      String[] parts = rename.split("[.=]");
      if (parts.length != 3 || !stages.contains(parts[0]) || columns.contains(parts[2])) {
        throw CorrelateOptions.wrong(
            CorrelateOptions.RENAMED, "is 'stage.column=new name', not '" + rename + "'");
      }
      int column = column(CorrelateOptions.RENAMED, parts[1]);
      renamed.put(parts[0] + "." + column, columns.size());
      columns.add(parts[2]);
      types.add(types.get(column));
    }
  }

  private void check() {
    if (columns.size() > Block.MAX_COLUMNS) {
      throw CorrelateOptions.wrong(
          CorrelateOptions.NAME,
          "has %d columns; at most %d are possible".formatted(columns.size(), Block.MAX_COLUMNS));
    }
    if (lines().size() > Packed.MAX_REASON) {
      throw CorrelateOptions.wrong(
          CorrelateOptions.CHECKS,
          "is at most %d lines, not %d".formatted(Packed.MAX_REASON, lines().size()));
    }
    types.forEach(CorrelateCall::check);
    duration(CorrelateOptions.WINDOW, Duration.ZERO, MAX_WINDOW);
    duration(CorrelateOptions.LATENESS, Duration.ZERO, MAX_WINDOW);
  }

  private static void check(LogicalType type) {
    if (!RowPacker.packs(type.getTypeRoot())) {
      throw CorrelateOptions.wrong(
          CorrelateOptions.NAME, "has a column of type " + type + ", which it cannot store");
    }
  }

  private long duration(ConfigOption<Duration> option, Duration least, Duration most) {
    Duration value = CorrelateOptions.required(options, option);
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw CorrelateOptions.wrong(option, "is " + least + " to " + most + ", not " + value);
    }
    return value.toMillis();
  }

  private int column(ConfigOption<?> option, String name) {
    int column = columns.indexOf(name);
    if (column < 0) {
      throw CorrelateOptions.wrong(option, "names no column: '" + name + "'");
    }
    return column;
  }

  private int column(ConfigOption<String> option, LogicalTypeRoot type) {
    int column = column(option, CorrelateOptions.required(options, option));
    if (types.get(column).getTypeRoot() != type) {
      throw CorrelateOptions.wrong(option, "is a column of type " + type);
    }
    return column;
  }

  private int optional(ConfigOption<String> option) {
    return options.getOptional(option).map(name -> column(option, name)).orElse(-1);
  }

  private int key() {
    return column(CorrelateOptions.KEY, LogicalTypeRoot.VARCHAR);
  }

  private int time() {
    return column(CorrelateOptions.TIME, LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE);
  }

  Layout layout() {
    return new Layout(
        options.get(CorrelateOptions.NAME),
        List.copyOf(columns),
        types.stream().map(LogicalType::getTypeRoot).toList(),
        key(),
        own(),
        stages,
        duration(CorrelateOptions.WINDOW, Duration.ZERO, MAX_WINDOW),
        duration(CorrelateOptions.LATENESS, Duration.ZERO, MAX_WINDOW));
  }

  private long own() {
    long own = 0;
    for (String name : CorrelateOptions.names(options, CorrelateOptions.OWN)) {
      own |= 1L << column(CorrelateOptions.OWN, name);
    }
    if ((own >>> key() & 1) != 0) {
      throw CorrelateOptions.wrong(
          CorrelateOptions.OWN, "has the key: all records of a key have it in common");
    }
    return own;
  }

  // --- ports ------------------------------------------------------------------------------------

  Ports ports() {
    Ports ports = new Ports(options.get(CorrelateOptions.NAME));
    List<String> names = new ArrayList<>(columns);
    List<LogicalType> all = new ArrayList<>(types);
    names.addAll(List.of("outcome", "detail"));
    all.addAll(List.of(text(), text()));
    stages.forEach(stage -> names.add(stage + "_at"));
    stages.forEach(stage -> all.add(DataTypes.TIMESTAMP_LTZ(3).getLogicalType()));
    for (String port : List.of("matched", "closed", "refused")) {
      ports.add(port, names, all);
    }
    stages.forEach(stage -> ports.add("matched:" + stage, names, all));
    ports.add("counts", counts(), counts().stream().map(name -> number()).toList());
    Ledger.add(ports);
    return ports;
  }

  private List<String> counts() {
    List<String> names = new ArrayList<>();
    names.add(options.getOptional(CorrelateOptions.COUNT_BY).orElse("group"));
    names.add("period");
    names.addAll(stages);
    names.addAll(List.of("sum", "records"));
    return names;
  }

  private static LogicalType text() {
    return DataTypes.STRING().getLogicalType();
  }

  private static LogicalType number() {
    return DataTypes.BIGINT().getLogicalType();
  }

  // --- operators --------------------------------------------------------------------------------

  SingleOutputStreamOperator<RowData> attach(DataStream<RowData> rows) {
    Layout layout = layout();
    Checks checks = checks();
    Ports ports = ports();
    RowPacker packer =
        new RowPacker(
            layout.types().toArray(LogicalTypeRoot[]::new),
            key(),
            time(),
            optional(CorrelateOptions.DATA));
    return KeyedStream.attach(
            rows,
            layout.name(),
            new PackOperator(checks, packer, sources()),
            new CorrelateOperator(
                layout,
                new Reasons(layout, labels(), checks.violations()),
                count(),
                stamp(),
                options.get(CorrelateOptions.HEAP_SHARE),
                ports),
            ports.information("matched"))
        .setDescription(layout.description());
  }

  /** The ledger needs the original bytes and the time of receipt. */
  private Stamp stamp() {
    return Stamp.of(optional(CorrelateOptions.RECEIVED), optional(CorrelateOptions.DATA));
  }

  private Map<String, String> labels() {
    Map<String, String> labels = new HashMap<>();
    for (String label : CorrelateOptions.names(options, CorrelateOptions.LABELS)) {
      String[] parts = label.split("=");
      if (parts.length != 2) {
        throw CorrelateOptions.wrong(
            CorrelateOptions.LABELS, "is 'stage=label', not '" + label + "'");
      }
      labels.put(parts[0], parts[1]);
    }
    return labels;
  }

  private List<Check> lines() {
    return Check.parse(options.getOptional(CorrelateOptions.CHECKS).orElse(""));
  }

  private Checks checks() {
    return new Checks(
        lines(),
        written,
        types.stream().map(LogicalType::getTypeRoot).toList(),
        stages,
        options.getOptional(CorrelateOptions.IGNORED).orElse(""),
        new Checks.Columns(
            column(CorrelateOptions.STAGE, LogicalTypeRoot.VARCHAR),
            time(),
            optional(CorrelateOptions.ARRIVAL),
            optional(CorrelateOptions.RECEIVED)));
  }

  /** For each stage, and last for malformed records, where each column is in a written row. */
  private int[][] sources() {
    int[][] sources = new int[stages.size() + 1][columns.size()];
    for (int of = 0; of < sources.length; of++) {
      Arrays.fill(sources[of], -1);
      String stage = of < stages.size() ? stages.get(of) : "";
      for (int column = 0; column < written.size(); column++) {
        sources[of][renamed.getOrDefault(stage + "." + column, column)] = column;
      }
    }
    return sources;
  }

  private CountSpec count() {
    if (options.getOptional(CorrelateOptions.COUNT_BY).isEmpty()) {
      return null;
    }
    String[] sum = CorrelateOptions.required(options, CorrelateOptions.COUNT_SUM).split("\\.");
    if (sum.length != 2 || !stages.contains(sum[0])) {
      throw CorrelateOptions.wrong(CorrelateOptions.COUNT_SUM, "is 'stage.column'");
    }
    long period =
        duration(CorrelateOptions.COUNT_PERIOD, Duration.ofSeconds(1), Duration.ofDays(1));
    return new CountSpec(
        column(CorrelateOptions.COUNT_BY, LogicalTypeRoot.BIGINT),
        time(),
        column(CorrelateOptions.COUNT_SUM, sum[1]),
        stages.indexOf(sum[0]),
        period / 1000);
  }
}
