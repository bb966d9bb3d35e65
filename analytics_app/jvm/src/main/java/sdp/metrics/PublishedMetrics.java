package sdp.metrics;

import org.apache.flink.metrics.MetricGroup;

/** Where metrics are that operators see in CloudWatch. */
public final class PublishedMetrics {
  /** Managed Flink publishes an application's own metrics only from a group of this name. */
  private static final String PUBLISHED = "kinesisanalytics";

  private PublishedMetrics() {}

  /** The group of a stream below that of its reader or writer. */
  public static MetricGroup ofStream(MetricGroup operator, String stream) {
    return operator.addGroup(PUBLISHED).addGroup("Stream", stream);
  }

  /** The group of a correlation below that of its operator. */
  public static MetricGroup ofCorrelation(MetricGroup operator, String name) {
    return operator.addGroup(PUBLISHED).addGroup("Correlation", name);
  }

  /** The group of patterns below that of their operator. */
  public static MetricGroup ofPatterns(MetricGroup operator, String name) {
    return operator.addGroup(PUBLISHED).addGroup("Patterns", name);
  }

  /** The group of a join of series below that of its operator. */
  public static MetricGroup ofSeries(MetricGroup operator, String name) {
    return operator.addGroup(PUBLISHED).addGroup("Series", name);
  }

  /** The group of decisions below that of their operator. */
  public static MetricGroup ofDecisions(MetricGroup operator, String name) {
    return operator.addGroup(PUBLISHED).addGroup("Decisions", name);
  }

  /** The group of scores below that of their operator. */
  public static MetricGroup ofScores(MetricGroup operator, String name) {
    return operator.addGroup(PUBLISHED).addGroup("Scores", name);
  }
}
