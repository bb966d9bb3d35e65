package sdp.patterns;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;
import sdp.keyed.KeyedStream;
import sdp.keyed.Ports;
import sdp.keyed.RowPacker;
import sdp.keyed.WrittenTable;
import sdp.ledger.Ledger;
import sdp.ledger.Stamp;

/** The options and columns of a table that is written to, checked and put together. */
final class PatternsCall {
  static final String FOUND = "found";
  static final String REFUSED = "refused";
  private static final int MAX_STEPS = 20;

  private final ReadableConfig options;
  private final Map<String, String> all;
  private final String name;
  private final WrittenTable table;
  private final List<String> steps;
  private final Pattern[] patterns;
  private final int key;
  private final int id;
  private final int time;
  private final int data;
  private final int received;
  private final int level;
  private final int amount;
  private final int step;
  private final int carry;

  /**
   * @param all the options as they are written, those of the patterns included
   */
  PatternsCall(RowType rows, ReadableConfig options, Map<String, String> all) {
    this.options = options;
    this.all = all;
    name = options.get(PatternsOptions.NAME);
    table = new WrittenTable(rows, options, PatternsOptions::wrong);
    steps = names(PatternsOptions.STEPS);
    if (steps.size() > MAX_STEPS) {
      throw PatternsOptions.wrong("steps", "has at most " + MAX_STEPS);
    }
    key = table.column(PatternsOptions.KEY, LogicalTypeRoot.VARCHAR);
    id = table.column(PatternsOptions.ID, LogicalTypeRoot.VARCHAR);
    time = table.column(PatternsOptions.TIME, LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE);
    data = table.optional(PatternsOptions.DATA, LogicalTypeRoot.VARBINARY);
    received =
        table.optional(PatternsOptions.RECEIVED, LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE);
    level = table.optional(PatternsOptions.LEVEL, LogicalTypeRoot.DOUBLE);
    amount = table.optional(PatternsOptions.AMOUNT, LogicalTypeRoot.DOUBLE);
    step = table.optional(PatternsOptions.STEP, LogicalTypeRoot.VARCHAR);
    carry = table.optional(PatternsOptions.CARRY, LogicalTypeRoot.VARCHAR);
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

  private List<String> names(ConfigOption<String> option) {
    return PatternsOptions.names(options.getOptional(option).orElse(""));
  }

  String name() {
    return name;
  }

  // --- ports ------------------------------------------------------------------------------------

  Ports ports() {
    Ports ports = new Ports(name);
    ports.add(FOUND, List.of(MatchRow.NAMES), List.of(MatchRow.TYPES));
    table.addRefused(ports, REFUSED);
    Ledger.add(ports);
    return ports;
  }

  // --- operators --------------------------------------------------------------------------------

  SingleOutputStreamOperator<RowData> attach(DataStream<RowData> rows) {
    LogicalTypeRoot[] types = table.types();
    PatternsOperator operator =
        new PatternsOperator(
            name,
            new Evaluation.Columns(table.columns().get(key), id, level, amount, carry),
            patterns,
            options.get(PatternsOptions.REMEMBER).toMillis(),
            options.get(PatternsOptions.HEAP_SHARE),
            types,
            Stamp.of(received, data),
            ports());
    PackEvents pack =
        new PackEvents(
            new RowPacker(types, key, time, data),
            table.source(),
            id,
            time,
            level,
            amount,
            step,
            steps);
    return KeyedStream.attach(rows, name, pack, operator, ports().information(FOUND))
        .setDescription(description());
  }

  /** What must stay while the state is kept, as the planner describes its operators. */
  private String description() {
    String kinds =
        String.join(", ", Arrays.stream(patterns).map(p -> p.kind() + " " + p.layout()).toList());
    return "Patterns(key=[%s], kinds=[%s])".formatted(table.columns().get(key), kinds);
  }
}
