package sdp.decisions;

import java.util.Locale;

/** Why an event takes no part in a decision. */
enum Refusal {
  /** Its time had been decided before it came. */
  LATE,
  /** It was there before. */
  DUPLICATE,
  /** It has no key, or too much of its key waits. */
  REFUSED;

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
