package sdp.patterns;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.util.TimeUtils;

/** Makes one pattern of its options, {@code <kind>.pattern} and those of that pattern. */
final class PatternOptions {
  private static final Duration MAX_WINDOW = Duration.ofDays(3_650);

  private final String kind;
  private final Map<String, String> options;
  private final Set<String> used = new TreeSet<>();

  /**
   * @param options all options of the table
   */
  PatternOptions(String kind, Map<String, String> options) {
    this.kind = kind;
    this.options = options;
  }

  /**
   * @param steps how many steps the table has
   */
  Pattern pattern(int steps) {
    Pattern pattern =
        switch (text("pattern")) {
          case "count-in-window" -> countInWindow();
          case "missing-step" -> missingStep(steps);
          case "anomaly" -> anomaly();
          default -> throw wrong("pattern", "is count-in-window, missing-step or anomaly");
        };
    for (String key : options.keySet()) {
      if (key.startsWith(kind + ".") && !used.contains(key)) {
        throw PatternsOptions.wrong(key, "is unknown; known are " + used);
      }
    }
    return pattern;
  }

  private Pattern countInWindow() {
    return new CountInWindow(
        kind,
        duration("window", null, 1),
        (int) number("count", null, 1, History.MAX_KNOWN),
        number("below", null, -1e15, 1e15),
        duration("cool-down", "0 s", 0),
        duration("keep", "90 d", 0));
  }

  private Pattern missingStep(int steps) {
    if (steps < 2) {
      throw PatternsOptions.wrong("steps", "has at least two for a missing step");
    }
    return new MissingStep(kind, steps, duration("timeout", null, 1));
  }

  private Pattern anomaly() {
    return new Anomaly(
        kind,
        duration("half-life", null, 1),
        number("deviations", "4", 0.1, 1e6),
        (int) number("min-count", "10", 1, 1_000_000),
        number("floor", "0.05", 0, 1e6));
  }

  private String text(String name) {
    String key = kind + "." + name;
    used.add(key);
    String value = options.get(key);
    if (value == null) {
      throw wrong(name, "is missing");
    }
    return value;
  }

  private String text(String name, String byDefault) {
    used.add(kind + "." + name);
    String value = options.getOrDefault(kind + "." + name, byDefault);
    return value != null ? value : text(name);
  }

  private long duration(String name, String byDefault, long least) {
    String text = text(name, byDefault);
    try {
      Duration value = TimeUtils.parseDuration(text);
      if (value.toMillis() >= least && value.compareTo(MAX_WINDOW) <= 0) {
        return value.toMillis();
      }
    } catch (IllegalArgumentException e) {
      throw wrong(name, "is a duration as '75 min', not '" + text + "'");
    }
    throw wrong(name, "is %d ms to %d days, not %s".formatted(least, MAX_WINDOW.toDays(), text));
  }

  private double number(String name, String byDefault, double least, double most) {
    String text = text(name, byDefault);
    try {
      double value = Double.parseDouble(text);
      if (value >= least && value <= most) {
        return value;
      }
    } catch (NumberFormatException e) {
      throw wrong(name, "is a number, not '" + text + "'");
    }
    throw wrong(name, "is %s to %s, not %s".formatted(least, most, text));
  }

  private RuntimeException wrong(String name, String what) {
    return PatternsOptions.wrong(kind + "." + name, what);
  }
}
