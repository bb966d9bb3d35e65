package sdp.kinesis.table;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;
import sdp.kinesis.source.ReadOptions;
import sdp.kinesis.source.StartPosition;
import sdp.kinesis.source.StopPosition;
import sdp.kinesis.stream.RecordedStream;
import sdp.kinesis.stream.StreamOpener;

/**
 * {@code 'connector' = 'recorded', 'path' = …}: a folder of files read once to its end, by the same
 * source as a Kinesis stream's. For measurements without a network. With {@code 'paced' = 'true'}
 * no record is there before the time that it was received at ({@link RecordedStream}).
 */
public final class RecordedTableFactory implements DynamicTableSourceFactory {
  private static final ConfigOption<String> PATH =
      ConfigOptions.key("path").stringType().noDefaultValue();

  private static final ConfigOption<Boolean> PACED =
      ConfigOptions.key("paced").booleanType().defaultValue(false);

  @Override
  public String factoryIdentifier() {
    return "recorded";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(PATH, FactoryUtil.FORMAT);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of(PACED);
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    var helper = FactoryUtil.createTableFactoryHelper(this, context);
    var format =
        helper.discoverDecodingFormat(DeserializationFormatFactory.class, FactoryUtil.FORMAT);
    helper.validate();
    String name = context.getObjectIdentifier().asSummaryString();
    return new KinesisTableSource(
        format,
        context.getPhysicalRowDataType(),
        settings(name, helper.getOptions().get(PATH), helper.getOptions().get(PACED)));
  }

  private static SourceSettings settings(String name, String path, boolean paced) {
    StreamOpener stream = () -> new RecordedStream(Path.of(path), paced);
    return new SourceSettings(
        name,
        stream,
        new StartPosition(StartPosition.Kind.TRIM_HORIZON, 0),
        Duration.ofHours(1),
        new ReadOptions(10_000, Duration.ofMillis(paced ? 2 : 1), StopPosition.LATEST),
        Integer.MAX_VALUE);
  }
}
