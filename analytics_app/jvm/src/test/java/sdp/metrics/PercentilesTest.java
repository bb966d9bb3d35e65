package sdp.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;

class PercentilesTest {
  @Test
  void eachPercentileIsAGaugeOfTheLastTimes() {
    Map<String, Gauge<?>> gauges = new TreeMap<>();
    Percentiles times = new Percentiles();
    times.publish(
        new UnregisteredMetricsGroup() {
          @Override
          public <T, G extends Gauge<T>> G gauge(String name, G gauge) {
            gauges.put(name, gauge);
            return gauge;
          }
        },
        "tookMillis");
    assertEquals("{tookMillisP50=0, tookMillisP90=0, tookMillisP99=0}", values(gauges));
    for (long time = -5; time <= 2_000; time++) {
      times.add(time);
    }
    assertEquals("{tookMillisP50=1501, tookMillisP90=1901, tookMillisP99=1991}", values(gauges));
  }

  @Test
  void aTimeBelowZeroIsZero() {
    Percentiles times = new Percentiles();
    times.add(-7);
    assertEquals(0, times.percentile(99));
  }

  private static String values(Map<String, Gauge<?>> gauges) {
    Map<String, Object> values = new TreeMap<>();
    gauges.forEach((name, gauge) -> values.put(name, gauge.getValue()));
    return values.toString();
  }
}
