package sdp.ledger;

import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;
import sdp.keyed.KeyedStream;
import sdp.keyed.PortSink;
import sdp.keyed.PortSource;
import sdp.keyed.Ports;
import sdp.keyed.RowPacker;
import sdp.keyed.WrittenTable;

/**
 * {@code 'connector' = 'outcomes'}: counts for the ledger what SQL alone decides, with no operator
 * of its own: records that are malformed, or that the use case leaves out.
 *
 * <pre>{@code
 * CREATE TEMPORARY TABLE decided (received_at TIMESTAMP_LTZ(3), data BYTES, outcome STRING) WITH (
 *   'connector' = 'outcomes', 'name' = 'tanks-outcomes',
 *   'received' = 'received_at', 'data' = 'data', 'outcome' = 'outcome');
 * CREATE TEMPORARY TABLE counts (`minute` BIGINT, `read` BIGINT, …) WITH (
 *   'connector' = 'outcomes', 'name' = 'tanks-outcomes', 'port' = 'ledger');
 * INSERT INTO decided SELECT received_at, data, 'filtered' FROM decoded WHERE sensor = 'spare';
 * }</pre>
 *
 * <p>Each record is inserted once; {@code outcome} is a label of {@link Counted}. The one port is
 * {@code ledger}: the minute of receipt, as epoch seconds, and what was counted since the row
 * before ({@link Ledger}).
 */
public final class OutcomesTableFactory
    implements DynamicTableSinkFactory, DynamicTableSourceFactory {
  private static final ConfigOption<String> NAME = text("name");
  private static final ConfigOption<String> RECEIVED = text("received");
  private static final ConfigOption<String> DATA = text("data");
  private static final ConfigOption<String> OUTCOME = text("outcome");
  private static final ConfigOption<String> PORT = text("port");

  /** The records have no key: they are spread by their content. */
  private static final int NONE = -1;

  private static ConfigOption<String> text(String key) {
    return ConfigOptions.key(key).stringType().noDefaultValue();
  }

  @Override
  public String factoryIdentifier() {
    return "outcomes";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(NAME);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of(RECEIVED, DATA, OUTCOME, PORT);
  }

  @Override
  public DynamicTableSink createDynamicTableSink(Context context) {
    ReadableConfig options = validated(context);
    String name = options.get(NAME);
    RowType rows = (RowType) context.getPhysicalRowDataType().getLogicalType();
    var table = new WrittenTable(rows, options, OutcomesTableFactory::wrong);
    int received = table.column(RECEIVED, LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE);
    int data = table.column(DATA, LogicalTypeRoot.VARBINARY);
    int outcome = table.column(OUTCOME, LogicalTypeRoot.VARCHAR);
    Ports ports = new Ports(name);
    Ledger.add(ports);
    RowPacker packer = new RowPacker(table.types(), NONE, NONE, data);
    PackOutcomes pack = new PackOutcomes(packer, table.source(), outcome);
    OutcomesOperator operator = new OutcomesOperator(name, new Stamp(received, data), ports);
    return new PortSink(name, ports, stream -> attach(stream, name, pack, operator, ports));
  }

  private static SingleOutputStreamOperator<RowData> attach(
      DataStream<RowData> rows,
      String name,
      PackOutcomes pack,
      OutcomesOperator operator,
      Ports ports) {
    return KeyedStream.attach(rows, name, pack, operator, ports.information(Ledger.PORT));
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    ReadableConfig options = validated(context);
    String port = options.getOptional(PORT).orElseThrow(() -> wrong(PORT.key(), "is missing"));
    RowType rows = (RowType) context.getPhysicalRowDataType().getLogicalType();
    return new PortSource(options.get(NAME), port, rows);
  }

  private ReadableConfig validated(Context context) {
    var helper = FactoryUtil.createTableFactoryHelper(this, context);
    helper.validate();
    return helper.getOptions();
  }

  private static ValidationException wrong(String option, String what) {
    return new ValidationException("outcomes: '" + option + "' " + what + ".");
  }
}
