package sdp.kinesis.source;

import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.groups.AbstractMetricGroup;
import sdp.metrics.PublishedMetrics;

/** What is measured of one shard while it is read. */
final class ShardMetrics {
  private final MetricGroup group;
  private final Counter throttled;
  private final Counter undecodable;
  private volatile long millisBehind;

  private ShardMetrics(MetricGroup group) {
    this.group = group;
    this.throttled = group.counter("throttled");
    this.undecodable = group.counter("undecodable");
    group.gauge("millisBehindLatest", () -> millisBehind);
  }

  static ShardMetrics register(MetricGroup reader, String stream, String shardId) {
    return new ShardMetrics(PublishedMetrics.ofStream(reader, stream).addGroup("Shard", shardId));
  }

  void read(long millisBehind) {
    this.millisBehind = millisBehind;
  }

  void throttled() {
    throttled.inc();
  }

  void undecodable() {
    undecodable.inc();
  }

  /** A gauge of a shard that is read would report its last value for ever. */
  void close() {
    if (group instanceof AbstractMetricGroup<?> closeable) {
      closeable.close();
    }
  }
}
