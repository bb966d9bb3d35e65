package sdp.correlate;

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
 * {@code 'connector' = 'correlate'}: joins the ordered stages of a key, each at most once, and
 * reports what became of every record ({@link Outcome}). Records are written to one table; the
 * outcomes are read from others, its ports.
 *
 * <pre>{@code
 * CREATE TEMPORARY TABLE orders (type STRING, order_id STRING, …) WITH (
 *   'connector' = 'correlate', 'name' = 'shop-orders',
 *   'key' = 'order_id', 'stage' = 'type', 'time' = 'occurred_at', 'stages' = 'ordered,packed,sent',
 *   'window' = '1 h', 'lateness' = '1 h', 'own' = 'event_id,occurred_at');
 * CREATE TEMPORARY TABLE sent (order_id STRING, packed_at TIMESTAMP_LTZ(3), …) WITH (
 *   'connector' = 'correlate', 'name' = 'shop-orders', 'port' = 'matched:sent');
 * INSERT INTO orders SELECT type, order_id, … FROM events;
 * }</pre>
 *
 * <p>Ports, each with the columns of the written table (all of them nullable), those of {@code
 * renamed}, {@code outcome} STRING, {@code detail} STRING and, for each stage, {@code <stage>_at}
 * TIMESTAMP_LTZ(3):
 *
 * <ul>
 *   <li>{@code matched}, and {@code matched:<stage>} for one stage: columns that are null are
 *       filled from the earlier stages, except those in {@code own}; {@code <stage>_at} is set for
 *       this stage and the earlier ones.
 *   <li>{@code refused}: duplicate, late, unmatched and malformed records as they came; {@code
 *       detail} is why, in words that the sender understands.
 *   <li>{@code closed}: one row for each key that had its first stage: the first value over the
 *       matched stages, {@code own} columns null; {@code <stage>_at} of those stages.
 *   <li>{@code counts}, of {@code count.by}, {@code count.sum} ({@code stage.column}) and {@code
 *       count.period}: matched records for each group and period since the last such rows: the
 *       group's column, {@code period} (its start, epoch seconds), a BIGINT {@code <stage>} each,
 *       {@code sum} and {@code records}.
 *   <li>{@code ledger}, where {@code data} and {@code received} are given: how many records of each
 *       minute of receipt were read and had each outcome since the last such rows ({@link
 *       sdp.ledger.Counted}).
 * </ul>
 *
 * <p>{@code closed} and unmatched rows come up to a twentieth of window and lateness (1 to 30
 * seconds) of event time after it is certain.
 */
public final class CorrelateTableFactory
    implements DynamicTableSinkFactory, DynamicTableSourceFactory {

  @Override
  public String factoryIdentifier() {
    return "correlate";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(CorrelateOptions.NAME);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return CorrelateOptions.OPTIONAL;
  }

  @Override
  public DynamicTableSink createDynamicTableSink(Context context) {
    var helper = FactoryUtil.createTableFactoryHelper(this, context);
    helper.validate();
    RowType rows = (RowType) context.getPhysicalRowDataType().getLogicalType();
    CorrelateCall call = new CorrelateCall(rows, helper.getOptions());
    return new PortSink(call.layout().name(), call.ports(), call::attach);
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    var helper = FactoryUtil.createTableFactoryHelper(this, context);
    helper.validate();
    ReadableConfig options = helper.getOptions();
    RowType wanted = (RowType) context.getPhysicalRowDataType().getLogicalType();
    return new PortSource(
        options.get(CorrelateOptions.NAME),
        CorrelateOptions.required(options, CorrelateOptions.PORT),
        wanted);
  }
}
