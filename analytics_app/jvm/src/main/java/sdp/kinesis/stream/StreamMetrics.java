package sdp.kinesis.stream;

import org.apache.flink.metrics.MetricGroup;

/** Where the connector's metrics of a stream are. */
public final class StreamMetrics {
  /** Managed Flink publishes an application's own metrics only from a group of this name. */
  private static final String PUBLISHED = "kinesisanalytics";

  private StreamMetrics() {}

  /** The group of a stream below that of a reader or a writer. */
  public static MetricGroup of(MetricGroup operator, String stream) {
    return operator.addGroup(PUBLISHED).addGroup("Stream", stream);
  }
}
