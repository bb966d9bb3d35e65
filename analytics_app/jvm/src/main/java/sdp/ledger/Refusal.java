package sdp.ledger;

import java.util.Locale;

/** Why an operator that knows the records of each key takes one no further. */
public enum Refusal {
  /** Its time had been decided before it came. */
  LATE,
  /** It was there before, or another of its identity stands. */
  DUPLICATE,
  /** It has no usable key, or too much of its key waits. */
  REFUSED;

  /** What the ledger counts it as. */
  public Counted counted() {
    return switch (this) {
      case LATE -> Counted.LATE;
      case DUPLICATE -> Counted.DUPLICATE;
      case REFUSED -> Counted.FILTERED;
    };
  }

  /** The value of the {@code outcome} column. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
