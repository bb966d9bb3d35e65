package sdp.kinesis.table;

import org.apache.flink.api.common.eventtime.TimestampAssigner;
import org.apache.flink.api.common.eventtime.TimestampAssignerSupplier;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkAlignmentParams;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkGeneratorSupplier;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;

/**
 * A table's watermark strategy, with the largest watermark of a shard instead of its last one.
 *
 * <p>The strategy that SQL makes of a WATERMARK clause remembers what the last row said, so between
 * two emissions a shuffled shard's watermark would depend on the moment of emission.
 */
final class LargestWatermark<T> implements WatermarkStrategy<T> {
  private static final long serialVersionUID = 1L;

  private final WatermarkStrategy<T> strategy;

  LargestWatermark(WatermarkStrategy<T> strategy) {
    this.strategy = strategy;
  }

  @Override
  public WatermarkGenerator<T> createWatermarkGenerator(
      WatermarkGeneratorSupplier.Context context) {
    return new Generator<>(strategy.createWatermarkGenerator(context));
  }

  @Override
  public TimestampAssigner<T> createTimestampAssigner(TimestampAssignerSupplier.Context context) {
    return strategy.createTimestampAssigner(context);
  }

  @Override
  public WatermarkAlignmentParams getAlignmentParameters() {
    return strategy.getAlignmentParameters();
  }

  private static final class Generator<T> implements WatermarkGenerator<T> {
    private final WatermarkGenerator<T> generator;
    private final Largest largest = new Largest();

    Generator(WatermarkGenerator<T> generator) {
      this.generator = generator;
    }

    @Override
    public void onEvent(T event, long timestamp, WatermarkOutput output) {
      generator.onEvent(event, timestamp, largest);
      generator.onPeriodicEmit(largest);
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {
      largest.idle = false;
      generator.onPeriodicEmit(largest);
      if (largest.idle) {
        output.markIdle();
      } else if (largest.millis > Long.MIN_VALUE) {
        output.emitWatermark(new Watermark(largest.millis));
      }
    }
  }

  private static final class Largest implements WatermarkOutput {
    private long millis = Long.MIN_VALUE;
    private boolean idle;

    @Override
    public void emitWatermark(Watermark watermark) {
      millis = Math.max(millis, watermark.getTimestamp());
    }

    @Override
    public void markIdle() {
      idle = true;
    }

    @Override
    public void markActive() {
      idle = false;
    }
  }
}
