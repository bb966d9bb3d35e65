package sdp.patterns;

import java.util.Locale;

/** Why an event takes no part in the patterns. */
enum Refusal {
  /** Its time had been evaluated. */
  LATE,
  /** Its id is known. */
  DUPLICATE,
  /** It has no key, or too many events of its key wait. */
  REFUSED;

  /** The value of the {@code outcome} column. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
