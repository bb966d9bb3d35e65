package sdp.patterns;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.logical.RowType;
import sdp.keyed.PortSink;
import sdp.keyed.PortSource;

/**
 * {@code 'connector' = 'patterns'}: finds patterns in the events of each key, exactly in whatever
 * order they arrive ({@link Evaluation}). Events are written to one table; what was found, and what
 * was refused, is read from others, its ports.
 *
 * <pre>{@code
 * CREATE TEMPORARY TABLE readings (event_id STRING, meter STRING, used DOUBLE, …) WITH (
 *   'connector' = 'patterns', 'name' = 'meters-patterns',
 *   'key' = 'meter', 'id' = 'event_id', 'time' = 'occurred_at', 'amount' = 'used',
 *   'kinds' = 'leak', 'leak.pattern' = 'anomaly', 'leak.half-life' = '7 d');
 * CREATE TEMPORARY TABLE leaks (subject STRING, occurred_at TIMESTAMP_LTZ(3), …) WITH (
 *   'connector' = 'patterns', 'name' = 'meters-patterns', 'port' = 'found');
 * INSERT INTO readings SELECT event_id, meter, used, … FROM decoded;
 * }</pre>
 *
 * <p>A row is an event if its {@code level}, its {@code amount} or its {@code step} is not null
 * and, for a step, one of {@code steps}; others are left out. {@code kinds} names what is looked
 * for; {@code carry} is a column with a text, such as whose event it is, that a match carries on.
 * {@code <kind>.pattern} is
 *
 * <ul>
 *   <li>{@code count-in-window} ({@link CountInWindow}) with {@code window}, {@code count}, {@code
 *       below}, {@code cool-down} (none) and {@code keep} (90 days),
 *   <li>{@code missing-step} ({@link MissingStep}) with {@code timeout}, or
 *   <li>{@code anomaly} ({@link Anomaly}) with {@code half-life}, {@code deviations} (4), {@code
 *       min-count} (10) and {@code floor} (0.05).
 * </ul>
 *
 * <p>Ports:
 *
 * <ul>
 *   <li>{@code found}: {@code kind}, {@code subject} (the key), {@code occurred_at}, {@code
 *       event_id} (of the event that names the match: the last of the window, the first step, the
 *       anomaly), {@code causes} (ARRAY of the ids of the events that made it), {@code count}
 *       BIGINT and {@code balance} DOUBLE of count-in-window, {@code deviation} DOUBLE of anomaly,
 *       {@code carried} STRING: of the causes that have a text in {@code carry}, that of the last.
 *   <li>{@code refused}: the columns as they came, {@code outcome} (late, duplicate, refused) and
 *       {@code detail}, in words that the sender understands.
 *   <li>{@code ledger}: what was read and what became of it, by minute of receipt, where {@code
 *       received} and {@code data} are given ({@link sdp.ledger.Ledger}).
 * </ul>
 *
 * <p>SQL alone is not exact for these three: OVER orders events of one time by arrival, a LEFT JOIN
 * in time reports a missing row up to half a window late, MATCH_RECOGNIZE reports no timeout, and
 * all of them drop late rows silently.
 */
public final class PatternsTableFactory
    implements DynamicTableSinkFactory, DynamicTableSourceFactory {

  @Override
  public String factoryIdentifier() {
    return "patterns";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(PatternsOptions.NAME);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return PatternsOptions.OPTIONAL;
  }

  @Override
  public DynamicTableSink createDynamicTableSink(Context context) {
    RowType rows = (RowType) context.getPhysicalRowDataType().getLogicalType();
    Map<String, String> all = context.getCatalogTable().getOptions();
    PatternsCall call = new PatternsCall(rows, validated(context), all);
    return new PortSink(call.name(), call.ports(), call::attach);
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    ReadableConfig options = validated(context);
    return new PortSource(
        options.get(PatternsOptions.NAME),
        PatternsOptions.required(options, PatternsOptions.PORT),
        (RowType) context.getPhysicalRowDataType().getLogicalType());
  }

  /** The options of the patterns begin with the kinds; they are checked with them. */
  private ReadableConfig validated(Context context) {
    var helper = FactoryUtil.createTableFactoryHelper(this, context);
    List<String> kinds =
        PatternsOptions.names(helper.getOptions().getOptional(PatternsOptions.KINDS).orElse(""));
    if (kinds.isEmpty()) {
      helper.validate();
    } else {
      helper.validateExcept(kinds.stream().map(kind -> kind + ".").toArray(String[]::new));
    }
    return helper.getOptions();
  }
}
