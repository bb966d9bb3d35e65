package sdp.metrics;

import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;

/** Percentiles of the last thousand times, as gauges: Managed Flink publishes no histograms. */
public final class Percentiles {
  /** Of how many times. */
  public static final int MEASURED = 1_000;

  private static final int[] SHARES = {50, 90, 99};

  private final Histogram times = new DescriptiveStatisticsHistogram(MEASURED);

  /** Takes a time; one below zero, of clocks that differ, is zero. */
  public void add(long time) {
    times.update(Math.max(0, time));
  }

  /** What this share of the times does not exceed; 0 while there are none. */
  public long percentile(int share) {
    return Math.round(times.getStatistics().getQuantile(share / 100.0));
  }

  /** Registers a gauge for each percentile: the name and {@code P50}, {@code P90}, {@code P99}. */
  public void publish(MetricGroup group, String name) {
    for (int share : SHARES) {
      group.gauge(name + "P" + share, (Gauge<Long>) () -> percentile(share));
    }
  }
}
