package sdp.correlate;

import java.util.Locale;

/** What became of a record, or of a key; every record ends as exactly one of the first five. */
public enum Outcome {
  /** All earlier stages are there, within the window of the first one. */
  MATCHED,
  /** Another record has its stage, and came first. */
  DUPLICATE,
  /** Older than the watermark minus the allowed lateness. */
  LATE,
  /** No record it could match came in time. */
  UNMATCHED,
  /** It violates its definition. */
  MALFORMED,
  /** The summary of a key that closed and had its first stage. */
  CLOSED;

  /** The value of the {@code outcome} column. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
