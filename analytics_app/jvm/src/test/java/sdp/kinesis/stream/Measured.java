package sdp.kinesis.stream;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Metric;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;

/** Keeps what is registered, by its path. */
public final class Measured extends UnregisteredMetricsGroup {
  private final Map<String, Metric> metrics;
  private final String path;

  public Measured() {
    this(new ConcurrentHashMap<>(), "");
  }

  private Measured(Map<String, Metric> metrics, String path) {
    this.metrics = metrics;
    this.path = path;
  }

  /** What the counter or gauge at this path says now. */
  public Object value(String name) {
    Metric metric = metrics.get(name);
    return metric instanceof Counter counter ? counter.getCount() : ((Gauge<?>) metric).getValue();
  }

  @Override
  public Counter counter(String name) {
    return counter(name, super.counter(name));
  }

  @Override
  public <C extends Counter> C counter(String name, C counter) {
    metrics.put(path + name, counter);
    return counter;
  }

  @Override
  public <T, G extends Gauge<T>> G gauge(String name, G gauge) {
    metrics.put(path + name, gauge);
    return gauge;
  }

  @Override
  public MetricGroup addGroup(String name) {
    return new Measured(metrics, path + name + ".");
  }

  @Override
  public MetricGroup addGroup(String key, String value) {
    return new Measured(metrics, path + key + "." + value + ".");
  }
}
