package sdp.kinesis.sink;

import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.ThreadSafeSimpleCounter;
import sdp.metrics.PublishedMetrics;

/**
 * What is measured of a stream that is written; Kinesis does not name the shard that refuses.
 *
 * @param refused records that Kinesis refused, each time it did
 * @param throttled calls that Kinesis refused as a whole
 */
record SinkMetrics(Counter refused, Counter throttled) {
  static SinkMetrics register(MetricGroup writer, String stream) {
    MetricGroup group = PublishedMetrics.ofStream(writer, stream);
    return new SinkMetrics(
        group.counter("recordsRefused", new ThreadSafeSimpleCounter()),
        group.counter("throttled", new ThreadSafeSimpleCounter()));
  }
}
