package sdp.kinesis.source;

import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.util.UserCodeClassLoader;
import sdp.kinesis.stream.StreamOpener;

/**
 * Reads one Kinesis stream, each shard in order and exactly once per checkpoint.
 *
 * @param <T> what the decoder makes of a record
 */
public final class KinesisSource<T> implements Source<T, ShardSplit, EnumeratorState> {
  private static final long serialVersionUID = 1L;

  private final StreamOpener stream;
  private final StartPosition start;
  private final Duration discoveryInterval;
  private final ReadOptions options;
  private final RecordDecoder<T> decoder;
  private final WatermarkStrategy<T> watermarks;
  private final Clock clock;

  /**
   * A source that starts where {@code start} says unless it is restored from a checkpoint.
   *
   * @param watermarks the strategy that the job gives to the source: what a shard's is in state
   */
  public KinesisSource(
      StreamOpener stream,
      StartPosition start,
      Duration discoveryInterval,
      ReadOptions options,
      RecordDecoder<T> decoder,
      WatermarkStrategy<T> watermarks,
      Clock clock) {
    this.stream = stream;
    this.start = start;
    this.discoveryInterval = discoveryInterval;
    this.options = options;
    this.decoder = decoder;
    this.watermarks = watermarks;
    this.clock = clock;
  }

  @Override
  public Boundedness getBoundedness() {
    return options.stop().isBounded() ? Boundedness.BOUNDED : Boundedness.CONTINUOUS_UNBOUNDED;
  }

  @Override
  public SplitEnumerator<ShardSplit, EnumeratorState> createEnumerator(
      SplitEnumeratorContext<ShardSplit> context) {
    var position = start.resolve(clock);
    return restoreEnumerator(context, new EnumeratorState(position, Set.of(), Set.of(), List.of()));
  }

  @Override
  public SplitEnumerator<ShardSplit, EnumeratorState> restoreEnumerator(
      SplitEnumeratorContext<ShardSplit> context, EnumeratorState state) {
    boolean bounded = options.stop().isBounded();
    return new ShardEnumerator(context, stream.open(), discoveryInterval, bounded, state);
  }

  @Override
  public SourceReader<T, ShardSplit> createReader(SourceReaderContext context) throws Exception {
    decoder.open(decoderContext(context));
    Set<String> released = ConcurrentHashMap.newKeySet();
    ReaderMetrics metrics = new ReaderMetrics(context.metricGroup());
    return new KinesisSourceReader<>(
        () -> new ShardSplitReader(stream.open(), options, released, metrics, clock),
        decoder,
        watermarks,
        released,
        metrics,
        context);
  }

  private static DeserializationSchema.InitializationContext decoderContext(
      SourceReaderContext context) {
    return new DeserializationSchema.InitializationContext() {
      @Override
      public MetricGroup getMetricGroup() {
        return context.metricGroup().addGroup("deserializer");
      }

      @Override
      public UserCodeClassLoader getUserCodeClassLoader() {
        return context.getUserCodeClassLoader();
      }
    };
  }

  @Override
  public SimpleVersionedSerializer<ShardSplit> getSplitSerializer() {
    return new ShardSplitSerializer();
  }

  @Override
  public SimpleVersionedSerializer<EnumeratorState> getEnumeratorCheckpointSerializer() {
    return new EnumeratorStateSerializer();
  }
}
