package sdp.decisions;

import java.util.Locale;
import sdp.ledger.Counted;

/** Why an event takes no part in a decision. */
enum Refusal {
  /** Its time had been decided before it came. */
  LATE,
  /** It was there before. */
  DUPLICATE,
  /** It has no key, or too much of its key waits. */
  REFUSED;

  /** What the ledger counts it as. */
  Counted counted() {
    return switch (this) {
      case LATE -> Counted.LATE;
      case DUPLICATE -> Counted.DUPLICATE;
      case REFUSED -> Counted.FILTERED;
    };
  }

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
