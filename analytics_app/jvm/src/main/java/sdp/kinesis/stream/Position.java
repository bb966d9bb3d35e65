package sdp.kinesis.stream;

import java.io.Serializable;

/**
 * A place in a shard.
 *
 * @param value the sequence number, the epoch milliseconds, or empty
 */
public record Position(Kind kind, String value) implements Serializable {

  /** The oldest record that is kept. */
  public static final Position TRIM_HORIZON = new Position(Kind.TRIM_HORIZON, "");

  /** Behind the last record of a closed shard, or where a bounded reading stops. */
  public static final Position END = new Position(Kind.END, "");

  /** What the value of a position means. */
  public enum Kind {
    TRIM_HORIZON,
    AT_TIMESTAMP,
    AFTER_SEQUENCE_NUMBER,
    END
  }

  /** The first record that arrived at this time or later. */
  public static Position at(long epochMillis) {
    return new Position(Kind.AT_TIMESTAMP, Long.toString(epochMillis));
  }

  /** The record that follows the one with this sequence number. */
  public static Position after(String sequenceNumber) {
    return new Position(Kind.AFTER_SEQUENCE_NUMBER, sequenceNumber);
  }

  /** Whether nothing is left to be read. */
  public boolean isEnd() {
    return kind == Kind.END;
  }
}
