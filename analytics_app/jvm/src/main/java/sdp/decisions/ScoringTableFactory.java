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
 * {@code 'connector' = 'scores'}: gives each row the score of the model that is in force at the
 * row's own time ({@link ScoringOperator}). Rows are written to one table and read from another,
 * its port {@code scored}.
 *
 * <pre>{@code
 * CREATE TEMPORARY TABLE scoring (meter STRING, used DOUBLE, at TIMESTAMP_LTZ(3)) WITH (
 *   'connector' = 'scores', 'name' = 'meters-scores', 'time' = 'at',
 *   'definitions.table' = 'meters-definitions', 'aws.region' = 'eu-west-1');
 * CREATE TEMPORARY TABLE scored (meter STRING, used DOUBLE, score DOUBLE, model_version STRING)
 *   WITH ('connector' = 'scores', 'name' = 'meters-scores', 'port' = 'scored');
 * INSERT INTO scoring SELECT meter, used, at FROM closed;
 * }</pre>
 *
 * <p>The model's inputs are columns, by their names. The port has the columns that were written,
 * {@code score} and {@code model_version}; both are null where no model gives a score.
 */
public final class ScoringTableFactory
    implements DynamicTableSinkFactory, DynamicTableSourceFactory {

  @Override
  public String factoryIdentifier() {
    return "scores";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(DecisionsOptions.NAME);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return ScoringOptions.OPTIONAL;
  }

  @Override
  public DynamicTableSink createDynamicTableSink(Context context) {
    RowType rows = (RowType) context.getPhysicalRowDataType().getLogicalType();
    ScoringCall call = new ScoringCall(rows, validated(context));
    return new PortSink(call.name(), call.ports(), call::attach);
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    ReadableConfig options = validated(context);
    String port =
        options
            .getOptional(DecisionsOptions.PORT)
            .orElseThrow(() -> ScoringOptions.wrong(DecisionsOptions.PORT.key(), "is missing"));
    return new PortSource(
        options.get(DecisionsOptions.NAME),
        port,
        (RowType) context.getPhysicalRowDataType().getLogicalType());
  }

  private ReadableConfig validated(Context context) {
    var helper = FactoryUtil.createTableFactoryHelper(this, context);
    helper.validate();
    return helper.getOptions();
  }
}
