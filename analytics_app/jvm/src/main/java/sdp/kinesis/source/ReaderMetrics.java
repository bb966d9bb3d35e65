package sdp.kinesis.source;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.metrics.MetricGroup;
import sdp.kinesis.stream.KinesisRecord;
import sdp.metrics.Percentiles;
import sdp.metrics.PublishedMetrics;

/** What one reader measures, by stream and by shard; its two threads share it. */
final class ReaderMetrics {
  private final MetricGroup reader;
  private final Map<String, ShardMetrics> shards = new ConcurrentHashMap<>();
  private Percentiles readAfter; // registered with the first shard, whose stream is all others'

  ReaderMetrics(MetricGroup reader) {
    this.reader = reader;
  }

  void open(String stream, String shardId) {
    if (readAfter == null) {
      readAfter = new Percentiles();
      readAfter.publish(PublishedMetrics.ofStream(reader, stream), "readAfterMillis");
    }
    shards.computeIfAbsent(shardId, id -> ShardMetrics.register(reader, stream, id));
  }

  /** How long after its arrival in the stream each of the records was read, at this time. */
  void read(String shardId, long millisBehind, List<KinesisRecord> records, long now) {
    shards.get(shardId).read(millisBehind);
    int first = Math.max(0, records.size() - Percentiles.MEASURED);
    for (KinesisRecord record : records.subList(first, records.size())) {
      readAfter.add(now - record.arrivalMillis());
    }
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
