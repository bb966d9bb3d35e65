package sdp.series;

import java.util.Locale;

/** What a row says of its pair; of several rows of one pair the last counts. */
enum Status {
  /** It is one, whatever comes. */
  FINAL,
  /** It is one unless a sample comes that is overdue. */
  PROVISIONAL,
  /** It was provisional, and is none: a sample came that was overdue. */
  WITHDRAWN;

  /** The value of the {@code status} column. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
