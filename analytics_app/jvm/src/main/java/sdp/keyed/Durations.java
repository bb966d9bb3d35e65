package sdp.keyed;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Durations as people write them: {@code 2 hours 10 minutes}. */
public final class Durations {
  private enum Unit {
    DAY(86_400_000),
    HOUR(3_600_000),
    MINUTE(60_000),
    SECOND(1_000),
    MILLISECOND(1);

    private final long millis;

    Unit(long millis) {
      this.millis = millis;
    }

    String words(long count) {
      return count + " " + name().toLowerCase(Locale.ROOT) + (count == 1 ? "" : "s");
    }
  }

  /** Formats a duration in milliseconds. */
  public static String words(long millis) {
    List<String> parts = new ArrayList<>();
    long left = millis;
    for (Unit unit : Unit.values()) {
      if (left >= unit.millis) {
        parts.add(unit.words(left / unit.millis));
        left %= unit.millis;
      }
    }
    return parts.isEmpty() ? "0 seconds" : String.join(" ", parts);
  }

  /** Its two largest units; rounded up, so that what is longer than a limit reads longer. */
  public static String rounded(long millis) {
    long step = step(millis);
    return words((millis + step - 1) / step * step);
  }

  private static long step(long millis) {
    if (millis >= Unit.DAY.millis) {
      return Unit.HOUR.millis;
    }
    if (millis >= Unit.HOUR.millis) {
      return Unit.MINUTE.millis;
    }
    return millis >= Unit.SECOND.millis ? Unit.SECOND.millis : 1;
  }

  private Durations() {}
}
