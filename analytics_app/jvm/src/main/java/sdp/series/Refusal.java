package sdp.series;

import java.util.Locale;

/** Why a sample takes no part in the join. */
enum Refusal {
  /** Its time had been decided. */
  LATE,
  /** Another sample of its series and time stands. */
  DUPLICATE,
  /** It has no usable key. */
  REFUSED;

  /** The value of the {@code outcome} column. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
