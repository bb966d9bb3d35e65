package sdp.kinesis.source;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.connector.base.source.reader.SingleThreadMultiplexSourceReaderBase;
import org.apache.flink.connector.base.source.reader.splitreader.SplitReader;
import org.apache.flink.core.io.InputStatus;

/**
 * Reads its shards, and reports to the enumerator which ended.
 *
 * <p>A reader that knows that no shard is left for it declares itself idle, so that it does not
 * hold up the watermark; no idle time is involved. The watermark of a restored shard is emitted
 * before any record, so that time goes on where it was, however long the shard stays quiet.
 */
final class KinesisSourceReader<T>
    extends SingleThreadMultiplexSourceReaderBase<ShardItem, T, ShardSplit, ShardProgress<T>> {
  private final Set<String> released;
  private final ReaderMetrics metrics;
  private final WatermarkStrategy<T> watermarks;
  private final List<ShardSplit> resumed = new ArrayList<>();
  private boolean shardsAssigned;
  private boolean idle;

  /**
   * @param released shared with the split reader: shards that may be dropped
   */
  KinesisSourceReader(
      Supplier<SplitReader<ShardItem, ShardSplit>> splitReader,
      RecordDecoder<T> decoder,
      WatermarkStrategy<T> watermarks,
      Set<String> released,
      ReaderMetrics metrics,
      SourceReaderContext context) {
    super(
        splitReader,
        new ItemEmitter<>(
            decoder, metrics, id -> context.sendSourceEventToCoordinator(new ShardEnded(id))),
        context.getConfiguration(),
        context);
    this.released = released;
    this.metrics = metrics;
    this.watermarks = watermarks;
  }

  @Override
  public InputStatus pollNext(ReaderOutput<T> output) throws Exception {
    if (!idle && shardsAssigned && getNumberOfCurrentlyAssignedSplits() == 0) {
      idle = true;
      output.markIdle();
    }
    resumed.forEach(s -> resume(s, output));
    resumed.clear();
    return super.pollNext(output);
  }

  private void resume(ShardSplit split, ReaderOutput<T> output) {
    output.createOutputForSplit(split.splitId()).emitWatermark(new Watermark(split.watermark()));
  }

  @Override
  public void addSplits(List<ShardSplit> splits) {
    idle &= splits.isEmpty();
    super.addSplits(splits);
    splits.stream().filter(ShardSplit::hasWatermark).forEach(resumed::add);
    splits.stream()
        .filter(s -> s.position().isEnd())
        .forEach(s -> context.sendSourceEventToCoordinator(new ShardEnded(s.shardId())));
  }

  @Override
  public void handleSourceEvents(SourceEvent event) {
    if (event instanceof ShardReleased shard) {
      released.add(shard.shardId());
    } else if (event instanceof ShardsAssigned) {
      shardsAssigned = true;
      // Without a shard nothing else would call pollNext again.
      splitFetcherManager.getQueue().notifyAvailable();
    }
  }

  @Override
  protected void onSplitFinished(Map<String, ShardProgress<T>> finished) {
    // The enumerator has known since the shard's end, and has agreed.
    finished.keySet().forEach(metrics::close);
  }

  @Override
  protected ShardProgress<T> initializedState(ShardSplit split) {
    var group = context.metricGroup();
    return new ShardProgress<>(split, new ShardWatermark<>(watermarks, group, split.watermark()));
  }

  @Override
  protected ShardSplit toSplitType(String splitId, ShardProgress<T> progress) {
    return progress.toSplit();
  }
}
