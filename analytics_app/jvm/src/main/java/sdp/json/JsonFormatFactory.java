package sdp.json;

import java.util.Set;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.Projection;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.format.ProjectableDecodingFormat;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;

/**
 * {@code 'format' = 'sdp-json'}: reads as Flink's {@code json} with ISO 8601 times does, several
 * times as fast where a record is a flat object. It has no options and does not write.
 */
public final class JsonFormatFactory implements DeserializationFormatFactory {
  /** The format's id. */
  public static final String IDENTIFIER = "sdp-json";

  @Override
  public String factoryIdentifier() {
    return IDENTIFIER;
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of();
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of();
  }

  @Override
  public DecodingFormat<DeserializationSchema<RowData>> createDecodingFormat(
      DynamicTableFactory.Context context, ReadableConfig options) {
    FactoryUtil.validateFactoryOptions(this, options);
    var flink =
        FactoryUtil.discoverFactory(
            context.getClassLoader(), DeserializationFormatFactory.class, "json");
    Configuration iso = new Configuration();
    iso.setString("timestamp-format.standard", "ISO-8601");
    return new Format(projectable(flink.createDecodingFormat(context, iso)));
  }

  @SuppressWarnings("unchecked")
  private static ProjectableDecodingFormat<DeserializationSchema<RowData>> projectable(
      DecodingFormat<?> format) {
    return (ProjectableDecodingFormat<DeserializationSchema<RowData>>) format;
  }

  private record Format(ProjectableDecodingFormat<DeserializationSchema<RowData>> flink)
      implements ProjectableDecodingFormat<DeserializationSchema<RowData>> {
    @Override
    public DeserializationSchema<RowData> createRuntimeDecoder(
        DynamicTableSource.Context context, DataType physical, int[][] projections) {
      DataType produced = Projection.of(projections).project(physical);
      return new JsonDeserializer(
          (RowType) produced.getLogicalType(),
          flink.createRuntimeDecoder(context, physical, projections));
    }

    @Override
    public ChangelogMode getChangelogMode() {
      return flink.getChangelogMode();
    }

    @Override
    public boolean supportsNestedProjection() {
      return false;
    }
  }
}
