package sdp.kinesis.source;

import java.io.Serializable;
import sdp.kinesis.stream.KinesisRecord;
import sdp.kinesis.stream.Page;

/**
 * Where a bounded reading of each shard stops.
 *
 * @param timestamp for AT_TIMESTAMP: records that arrived at this time or later are not read
 */
public record StopPosition(Kind kind, long timestamp) implements Serializable {

  /** Reads for ever. */
  public static final StopPosition NONE = new StopPosition(Kind.NONE, Long.MAX_VALUE);

  /** Stops once all is read that is there. */
  public static final StopPosition LATEST = new StopPosition(Kind.LATEST, Long.MAX_VALUE);

  /** How the end is given. */
  public enum Kind {
    NONE,
    LATEST,
    AT_TIMESTAMP
  }

  /** Stops before the first record that arrived at this time or later. */
  public static StopPosition at(long epochMillis) {
    return new StopPosition(Kind.AT_TIMESTAMP, epochMillis);
  }

  /** Whether there is an end at all. */
  public boolean isBounded() {
    return kind != Kind.NONE;
  }

  /** Whether this record is after the end. */
  boolean excludes(KinesisRecord record) {
    return record.arrivalMillis() >= timestamp;
  }

  /**
   * Whether nothing that belongs to the reading can follow this page.
   *
   * @param askedAt when the page was requested, epoch milliseconds
   */
  boolean isReachedBy(Page page, long askedAt) {
    return switch (kind) {
      case NONE -> false;
      case LATEST -> page.millisBehind() == 0;
      case AT_TIMESTAMP ->
          askedAt - page.millisBehind() >= timestamp
              || page.records().stream().anyMatch(this::excludes);
    };
  }
}
