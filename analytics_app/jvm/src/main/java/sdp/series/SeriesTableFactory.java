package sdp.series;

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
 * {@code 'connector' = 'series-join'}: pairs the samples of two series of each key by time, exactly
 * in whatever order they arrive ({@link SeriesJoin}), by joins that people change while the job
 * runs ({@link SeriesJoins}). Samples are written to one table; pairs, and what was refused, are
 * read from others, its ports.
 *
 * <pre>{@code
 * CREATE TEMPORARY TABLE levels (event_id STRING, tank STRING, sensor STRING, level DOUBLE, …) WITH (
 *   'connector' = 'series-join', 'name' = 'tanks-join',
 *   'key' = 'tank', 'id' = 'event_id', 'time' = 'occurred_at',
 *   'series' = 'sensor', 'value' = 'level',
 *   'join' = 'height', 'r' = 'upper', 's' = 'lower', 'distance' = '1 s',
 *   'definitions.table' = 'tanks-definitions', 'aws.region' = 'eu-west-1',
 *   'r.delay' = '5 s', 's.delay' = '5 s', 'max-latency' = '1 min', 'final-after' = '10 min');
 * CREATE TEMPORARY TABLE pairs (subject STRING, r_time TIMESTAMP_LTZ(3), r_value DOUBLE, …) WITH (
 *   'connector' = 'series-join', 'name' = 'tanks-join', 'port' = 'pairs');
 * INSERT INTO levels SELECT event_id, tank, sensor, level, … FROM decoded;
 * }</pre>
 *
 * <p>The options {@code join}, {@code r}, {@code s} and {@code distance} are version 0 of that
 * join: it is valid until a definition of kind {@code join} and of its name is. Definitions of
 * other names are further joins. Without a table or file of definitions it is the only one. A row
 * whose {@code series} no join in force names is left out. Ports:
 *
 * <ul>
 *   <li>{@code pairs}: {@code subject} (the key), {@code r_series}, {@code r_time}, {@code
 *       r_value}, {@code s_series}, {@code s_time}, {@code s_value}, {@code mean_time} (of both
 *       times, rounded down), {@code status}: {@code final}, {@code provisional} or {@code
 *       withdrawn}, {@code join_name} and {@code join_version}. A pair is final once, and after
 *       that there is no other row of it.
 *   <li>{@code durations}: {@code subject}, {@code r_time}, {@code r_value}, {@code s_time}, {@code
 *       s_value}, {@code mean_time}, {@code lasting}: how many milliseconds the two samples of a
 *       final pair were the newest ones of both series, and {@code join_name}. Once for each pair
 *       that was.
 *   <li>{@code refused}: the columns as they came, {@code outcome} (late, duplicate, refused) and
 *       {@code detail}, in words that the sender understands.
 *   <li>{@code ledger}: what was read and what became of it, by minute of receipt, where {@code
 *       received} and {@code data} are given ({@link sdp.ledger.Ledger}).
 * </ul>
 *
 * <p>Flink's SQL has no as-of join of two streams whose rows may change each other's partner: a
 * temporal join looks back only, and an interval join pairs all.
 */
public final class SeriesTableFactory
    implements DynamicTableSinkFactory, DynamicTableSourceFactory {

  @Override
  public String factoryIdentifier() {
    return "series-join";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(SeriesOptions.NAME);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return SeriesOptions.OPTIONAL;
  }

  @Override
  public DynamicTableSink createDynamicTableSink(Context context) {
    RowType rows = (RowType) context.getPhysicalRowDataType().getLogicalType();
    SeriesCall call = new SeriesCall(rows, validated(context));
    return new PortSink(call.name(), call.ports(), call::attach);
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    ReadableConfig options = validated(context);
    return new PortSource(
        options.get(SeriesOptions.NAME),
        SeriesOptions.required(options, SeriesOptions.PORT),
        (RowType) context.getPhysicalRowDataType().getLogicalType());
  }

  private ReadableConfig validated(Context context) {
    var helper = FactoryUtil.createTableFactoryHelper(this, context);
    helper.validate();
    return helper.getOptions();
  }
}
