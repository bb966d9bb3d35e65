package sdp.ledger;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What the ledger counts of the records of a minute: those read, and what became of each. */
public enum Counted {
  /** It has arrived at the operator; the others are outcomes, of which each record has one. */
  READ,
  /** It took part in a result. */
  COUNTED,
  /** Another record of the sender has its place. */
  DUPLICATE,
  LATE,
  UNMATCHED,
  MALFORMED,
  /** The use case leaves such records out; or a limit of its key does, or it has none. */
  FILTERED,
  /** A second copy of a record that the platform itself has stored twice. */
  REDELIVERED;

  /** The name of its column. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The columns of the port: the minute, as epoch seconds, and a number for each of these. */
  public static List<String> columns() {
    String[] names = new String[1 + values().length];
    names[0] = "minute";
    for (Counted each : values()) {
      names[1 + each.ordinal()] = each.label();
    }
    return Arrays.asList(names);
  }
}
