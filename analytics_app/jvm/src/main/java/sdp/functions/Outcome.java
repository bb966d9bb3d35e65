package sdp.functions;

import java.util.Locale;

/**
 * What became of a record, or of a key; every accepted record ends as exactly one of the first
 * four.
 */
public enum Outcome {
  /** All earlier stages are there, within the window of the first one. */
  MATCHED,
  /** Its stage was already there. */
  DUPLICATE,
  /** Older than the watermark minus the allowed lateness. */
  LATE,
  /** Its key closed before it matched. */
  UNMATCHED,
  /** The summary of a key that closed and had its first stage. */
  CLOSED;

  /** The value of the {@code outcome} column. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
