package sdp.kinesis.source;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.metrics.MetricGroup;

/** What one reader measures, by shard; its two threads share it. */
final class ReaderMetrics {
  private final MetricGroup reader;
  private final Map<String, ShardMetrics> shards = new ConcurrentHashMap<>();

  ReaderMetrics(MetricGroup reader) {
    this.reader = reader;
  }

  void open(String stream, String shardId) {
    shards.computeIfAbsent(shardId, id -> ShardMetrics.register(reader, stream, id));
  }

  void read(String shardId, long millisBehind) {
    shards.get(shardId).read(millisBehind);
  }

  void throttled(String shardId) {
    shards.get(shardId).throttled();
  }

  void undecodable(String shardId) {
    shards.get(shardId).undecodable();
  }

  void close(String shardId) {
    shards.remove(shardId).close();
  }
}
