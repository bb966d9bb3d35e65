package sdp.kinesis.table;

import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.ProviderContext;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.format.ProjectableDecodingFormat;
import org.apache.flink.table.connector.source.DataStreamScanProvider;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.connector.source.abilities.SupportsProjectionPushDown;
import org.apache.flink.table.connector.source.abilities.SupportsReadingMetadata;
import org.apache.flink.table.connector.source.abilities.SupportsWatermarkPushDown;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;
import sdp.kinesis.source.KinesisSource;
import sdp.planning.OperatorIds;

/** A Kinesis stream as a table to read. */
final class KinesisTableSource
    implements ScanTableSource,
        SupportsProjectionPushDown,
        SupportsReadingMetadata,
        SupportsWatermarkPushDown {
  private final DecodingFormat<DeserializationSchema<RowData>> format;
  private final DataType physicalType;
  private final SourceSettings settings;

  private int[][] projection;
  private DataType producedType;
  private List<Metadata> metadata = List.of();
  private WatermarkStrategy<RowData> watermarks = WatermarkStrategy.noWatermarks();

  KinesisTableSource(
      DecodingFormat<DeserializationSchema<RowData>> format,
      DataType physicalType,
      SourceSettings settings) {
    this.format = format;
    this.physicalType = physicalType;
    this.settings = settings;
    this.producedType = physicalType;
    this.projection =
        IntStream.range(0, DataType.getFieldCount(physicalType))
            .mapToObj(i -> new int[] {i})
            .toArray(int[][]::new);
  }

  @Override
  public ChangelogMode getChangelogMode() {
    return format.getChangelogMode();
  }

  @Override
  public boolean supportsNestedProjection() {
    return false;
  }

  @Override
  public void applyProjection(int[][] projectedFields, DataType producedDataType) {
    projection = projectedFields;
    producedType = producedDataType;
  }

  @Override
  public Map<String, DataType> listReadableMetadata() {
    return Metadata.types();
  }

  @Override
  public void applyReadableMetadata(List<String> keys, DataType producedDataType) {
    metadata = keys.stream().map(Metadata::byKey).toList();
    producedType = producedDataType;
  }

  @Override
  public void applyWatermark(WatermarkStrategy<RowData> watermarkStrategy) {
    watermarks = new LargestWatermark<>(watermarkStrategy);
  }

  @Override
  public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
    TypeInformation<RowData> type = context.createTypeInformation(producedType);
    var source =
        new KinesisSource<>(
            settings.stream(),
            settings.start(),
            settings.discoveryInterval(),
            settings.reading(),
            decoder(context),
            watermarks,
            Clock.systemUTC());
    return new DataStreamScanProvider() {
      @Override
      public DataStream<RowData> produceDataStream(
          ProviderContext provider, StreamExecutionEnvironment environment) {
        var stream = environment.fromSource(source, watermarks, settings.name(), type);
        return stream.uid(OperatorIds.unique(environment, "kinesis " + settings.name()));
      }

      @Override
      public boolean isBounded() {
        return settings.reading().stop().isBounded();
      }
    };
  }

  /** A format that can leave columns out does so; from another's rows they are picked. */
  private RowDecoder decoder(ScanContext context) {
    List<LogicalType> types = physicalType.getLogicalType().getChildren();
    boolean projectable = format instanceof ProjectableDecodingFormat;
    List<RowData.FieldGetter> columns =
        IntStream.range(0, projection.length)
            .mapToObj(
                i -> {
                  int field = projection[i][0];
                  return RowData.createFieldGetter(types.get(field), projectable ? i : field);
                })
            .toList();
    return new RowDecoder(runtimeFormat(context), columns, metadata, settings.maxRecordBytes());
  }

  private DeserializationSchema<RowData> runtimeFormat(ScanContext context) {
    if (format instanceof ProjectableDecodingFormat<DeserializationSchema<RowData>> projectable) {
      return projectable.createRuntimeDecoder(context, physicalType, projection);
    }
    return format.createRuntimeDecoder(context, physicalType);
  }

  @Override
  public DynamicTableSource copy() {
    KinesisTableSource copy = new KinesisTableSource(format, physicalType, settings);
    copy.projection = projection;
    copy.producedType = producedType;
    copy.metadata = metadata;
    copy.watermarks = watermarks;
    return copy;
  }

  @Override
  public String asSummaryString() {
    return "Kinesis " + settings.name();
  }
}
