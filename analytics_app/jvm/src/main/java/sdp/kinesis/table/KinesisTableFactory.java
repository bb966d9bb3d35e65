package sdp.kinesis.table;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.connector.base.table.AsyncSinkConnectorOptions;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.ResolvedCatalogTable;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.format.EncodingFormat;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.factories.SerializationFormatFactory;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeFamily;
import org.apache.flink.table.types.logical.LogicalTypeRoot;

/** Makes tables of {@code 'connector' = 'kinesis'}; wrong options are refused by name. */
public final class KinesisTableFactory
    implements DynamicTableSourceFactory, DynamicTableSinkFactory {
  /** The connector's id. */
  public static final String IDENTIFIER = "kinesis";

  /** The format whose records are lines. */
  private static final String JSON = "json";

  @Override
  public String factoryIdentifier() {
    return IDENTIFIER;
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(KinesisOptions.STREAM_ARN, FactoryUtil.FORMAT);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of(
        KinesisOptions.REGION,
        KinesisOptions.ENDPOINT,
        KinesisOptions.START,
        KinesisOptions.START_TIMESTAMP,
        KinesisOptions.STOP,
        KinesisOptions.STOP_TIMESTAMP,
        KinesisOptions.DISCOVERY_INTERVAL,
        KinesisOptions.READ_INTERVAL,
        KinesisOptions.READ_LIMIT,
        KinesisOptions.READ_RATE,
        KinesisOptions.MAX_RECORD_BYTES,
        KinesisOptions.PARTITIONER,
        KinesisOptions.PARTITION_DELIMITER,
        AsyncSinkConnectorOptions.MAX_BATCH_SIZE,
        AsyncSinkConnectorOptions.MAX_IN_FLIGHT_REQUESTS,
        AsyncSinkConnectorOptions.MAX_BUFFERED_REQUESTS,
        AsyncSinkConnectorOptions.FLUSH_BUFFER_SIZE,
        AsyncSinkConnectorOptions.FLUSH_BUFFER_TIMEOUT);
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    var helper = FactoryUtil.createTableFactoryHelper(this, context);
    DecodingFormat<DeserializationSchema<RowData>> format =
        helper.discoverDecodingFormat(DeserializationFormatFactory.class, FactoryUtil.FORMAT);
    helper.validate();
    SourceSettings settings =
        CheckedOptions.of(helper.getOptions()).sourceSettings(context.getObjectIdentifier());
    return new KinesisTableSource(format, context.getPhysicalRowDataType(), settings);
  }

  @Override
  public DynamicTableSink createDynamicTableSink(Context context) {
    var helper = FactoryUtil.createTableFactoryHelper(this, context);
    EncodingFormat<SerializationSchema<RowData>> format =
        helper.discoverEncodingFormat(SerializationFormatFactory.class, FactoryUtil.FORMAT);
    helper.validate();
    CheckedOptions options = CheckedOptions.of(helper.getOptions());
    return new KinesisTableSink(
        context.getObjectIdentifier().asSummaryString(),
        format,
        context.getPhysicalRowDataType(),
        JSON.equals(helper.getOptions().get(FactoryUtil.FORMAT)),
        options.stream(),
        partitionKey(context, helper.getOptions()),
        options.writing());
  }

  private static PartitionKey partitionKey(Context context, ReadableConfig options) {
    ResolvedCatalogTable table = context.getCatalogTable();
    Optional<KinesisOptions.Partitioner> partitioner =
        options.getOptional(KinesisOptions.PARTITIONER);
    if (!table.isPartitioned()) {
      boolean fixed = partitioner.orElse(null) == KinesisOptions.Partitioner.FIXED;
      return fixed ? PartitionKey.fixed() : PartitionKey.random();
    }
    if (partitioner.isPresent()) {
      throw new ValidationException(
          "'sink.partitioner' cannot be set for a table that is PARTITIONED BY columns.");
    }
    DataType type = context.getPhysicalRowDataType();
    List<RowData.FieldGetter> columns =
        table.getPartitionKeys().stream().map(key -> keyColumn(type, key)).toList();
    return PartitionKey.columns(columns, options.get(KinesisOptions.PARTITION_DELIMITER));
  }

  private static RowData.FieldGetter keyColumn(DataType row, String name) {
    int index = DataType.getFieldNames(row).indexOf(name);
    LogicalType type = row.getLogicalType().getChildren().get(index);
    boolean scalar =
        type.is(LogicalTypeFamily.CHARACTER_STRING)
            || type.is(LogicalTypeFamily.NUMERIC)
            || type.is(LogicalTypeFamily.DATETIME)
            || type.is(LogicalTypeRoot.BOOLEAN);
    if (!scalar) {
      throw new ValidationException(
          String.format("PARTITIONED BY: column '%s' of type %s cannot be a key.", name, type));
    }
    return RowData.createFieldGetter(type, index);
  }
}
