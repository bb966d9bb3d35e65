package sdp.patterns;

import java.util.Locale;
import sdp.ledger.Counted;

/** Why an event takes no part in the patterns. */
enum Refusal {
  /** Its time had been evaluated. */
  LATE,
  /** Its id is known. */
  DUPLICATE,
  /** It has no key, or too many events of its key wait. */
  REFUSED;

  /** What the ledger counts it as. */
  Counted counted() {
    return switch (this) {
      case LATE -> Counted.LATE;
      case DUPLICATE -> Counted.DUPLICATE;
      case REFUSED -> Counted.FILTERED;
    };
  }

  /** The value of the {@code outcome} column. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
