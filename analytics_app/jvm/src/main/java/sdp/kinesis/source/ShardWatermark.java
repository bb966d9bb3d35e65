package sdp.kinesis.source;

import org.apache.flink.api.common.eventtime.TimestampAssigner;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.operators.source.TimestampsAndWatermarksContext;
import org.apache.flink.util.clock.SystemClock;

/**
 * The greatest watermark that a shard ever had. Flink computes the same with a generator of its
 * own, which a source cannot ask.
 */
final class ShardWatermark<T> implements WatermarkOutput {
  private final TimestampAssigner<T> timestamps;
  private final WatermarkGenerator<T> generator;
  private long greatest;

  /**
   * @param before the greatest before the restart
   */
  ShardWatermark(WatermarkStrategy<T> strategy, MetricGroup metrics, long before) {
    var context = new TimestampsAndWatermarksContext(metrics, SystemClock.getInstance());
    timestamps = strategy.createTimestampAssigner(context);
    generator = strategy.createWatermarkGenerator(context);
    greatest = before;
  }

  /** Takes what was emitted of a record. */
  void onEvent(T element, long arrival) {
    generator.onEvent(element, timestamps.extractTimestamp(element, arrival), this);
  }

  /** In epoch milliseconds, or {@link ShardSplit#NO_WATERMARK}. */
  long greatest() {
    generator.onPeriodicEmit(this);
    return greatest;
  }

  @Override
  public void emitWatermark(Watermark watermark) {
    greatest = Math.max(greatest, watermark.getTimestamp());
  }

  @Override
  public void markIdle() {}

  @Override
  public void markActive() {}
}
