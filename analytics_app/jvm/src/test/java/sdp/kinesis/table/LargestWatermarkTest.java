package sdp.kinesis.table;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.junit.jupiter.api.Test;

/** The watermark of one shard. */
class LargestWatermarkTest {
  private final List<String> emitted = new ArrayList<>();
  private final WatermarkOutput output =
      new WatermarkOutput() {
        @Override
        public void emitWatermark(Watermark watermark) {
          emitted.add("" + watermark.getTimestamp());
        }

        @Override
        public void markIdle() {
          emitted.add("idle");
        }

        @Override
        public void markActive() {}
      };

  /** Like the one SQL makes: says what the last row said, and nothing for a null row time. */
  private static final class LastWatermark implements WatermarkGenerator<Long> {
    private long last = Long.MIN_VALUE;

    @Override
    public void onEvent(Long event, long timestamp, WatermarkOutput output) {
      if (event != null) {
        last = event;
      }
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {
      if (last == -1) {
        output.markIdle();
      } else {
        output.emitWatermark(new Watermark(last));
      }
    }
  }

  private final WatermarkGenerator<Long> generator =
      new LargestWatermark<Long>(WatermarkStrategy.forGenerator(c -> new LastWatermark()))
          .createWatermarkGenerator(null);

  @Test
  void isTheLargestOfShuffledRows() {
    for (long time : new long[] {5, 9, 3}) {
      generator.onEvent(time, 0, output);
    }
    generator.onPeriodicEmit(output);
    assertEquals(List.of("9"), emitted);
  }

  @Test
  void isNotMovedByARowWithoutTime() {
    generator.onPeriodicEmit(output);
    generator.onEvent(null, 0, output);
    generator.onPeriodicEmit(output);
    generator.onEvent(5L, 0, output);
    generator.onEvent(null, 0, output);
    generator.onPeriodicEmit(output);
    assertEquals(List.of("5"), emitted);
  }

  @Test
  void handsIdlenessOn() {
    generator.onEvent(5L, 0, output);
    generator.onEvent(-1L, 0, output);
    generator.onPeriodicEmit(output);
    assertEquals(List.of("idle"), emitted);
  }
}
