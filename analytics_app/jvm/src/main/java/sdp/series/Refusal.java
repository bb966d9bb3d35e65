package sdp.series;

import java.util.Locale;
import sdp.ledger.Counted;

/** Why a sample takes no part in the join. */
enum Refusal {
  /** Its time had been decided. */
  LATE,
  /** Another sample of its series and time stands. */
  DUPLICATE,
  /** It has no usable key. */
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
