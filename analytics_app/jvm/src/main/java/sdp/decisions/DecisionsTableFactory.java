package sdp.decisions;

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
 * {@code 'connector' = 'decisions'}: decides about business events by definitions that people
 * change while the job runs ({@link Deciding}, {@link Decider}). Events and profiles are written to
 * one table; decisions, actions, and what was refused, are read from others, its ports.
 *
 * <pre>{@code
 * CREATE TEMPORARY TABLE deciding (event_id STRING, meter STRING, kind STRING, used DOUBLE, …) WITH (
 *   'connector' = 'decisions', 'name' = 'meters-decisions',
 *   'key' = 'meter', 'id' = 'event_id', 'time' = 'occurred_at', 'kind' = 'kind',
 *   'event' = 'used', 'profile' = 'tariff,customer_id',
 *   'definitions.table' = 'meters-definitions', 'aws.region' = 'eu-west-1');
 * CREATE TEMPORARY TABLE decisions (id STRING, passed BOOLEAN, …) WITH (
 *   'connector' = 'decisions', 'name' = 'meters-decisions', 'port' = 'decisions');
 * INSERT INTO deciding SELECT event_id, meter, 'leak', used, … FROM leaks UNION ALL SELECT …;
 * }</pre>
 *
 * <p>A row with a {@code kind} is a business event, any other a profile of its key from its time
 * on. With the option {@code second-key} a profile is one of both its keys, of which either may be
 * null; what becomes of it is reported once. One key must not be the other of somebody else. CEL
 * sees of an event {@code id}, {@code kind}, {@code subject}, {@code trace_id}, {@code occurred_at}
 * and the columns of the option {@code event}; of a profile {@code event_id}, {@code occurred_at}
 * and the columns of {@code profile}.
 *
 * <p>Ports: {@code decisions} and {@code actions} with the columns of {@link Rows}, those of {@link
 * Inputs} beside them in {@code actions}, {@code refused} with the columns as they came, {@code
 * outcome} and {@code detail}, and {@code ledger} with what became of the rows with {@code data}
 * and {@code received}, by minute of receipt ({@link sdp.ledger.Ledger}).
 */
public final class DecisionsTableFactory
    implements DynamicTableSinkFactory, DynamicTableSourceFactory {

  @Override
  public String factoryIdentifier() {
    return "decisions";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(DecisionsOptions.NAME);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return DecisionsOptions.OPTIONAL;
  }

  @Override
  public DynamicTableSink createDynamicTableSink(Context context) {
    RowType rows = (RowType) context.getPhysicalRowDataType().getLogicalType();
    DecisionsCall call = new DecisionsCall(rows, validated(context));
    return new PortSink(call.name(), call.ports(), call::attach);
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    ReadableConfig options = validated(context);
    return new PortSource(
        options.get(DecisionsOptions.NAME),
        DecisionsOptions.required(options, DecisionsOptions.PORT),
        (RowType) context.getPhysicalRowDataType().getLogicalType());
  }

  private ReadableConfig validated(Context context) {
    var helper = FactoryUtil.createTableFactoryHelper(this, context);
    helper.validate();
    return helper.getOptions();
  }
}
