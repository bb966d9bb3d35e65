package sdp.kinesis.source;

import java.io.Serializable;
import java.time.Clock;
import sdp.kinesis.stream.Position;

/**
 * Where reading starts when there is no checkpoint.
 *
 * @param timestamp for AT_TIMESTAMP, epoch milliseconds
 */
public record StartPosition(Kind kind, long timestamp) implements Serializable {

  /** How the start is given. */
  public enum Kind {
    TRIM_HORIZON,
    LATEST,
    AT_TIMESTAMP
  }

  /**
   * The place in a shard. LATEST becomes the time of the first start: were it looked up again after
   * a failure, what arrived in between would be lost.
   */
  Position resolve(Clock clock) {
    return switch (kind) {
      case TRIM_HORIZON -> Position.TRIM_HORIZON;
      case LATEST -> Position.at(clock.millis());
      case AT_TIMESTAMP -> Position.at(timestamp);
    };
  }
}
