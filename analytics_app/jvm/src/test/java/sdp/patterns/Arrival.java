package sdp.patterns;

/**
 * An event on its way to the patterns.
 *
 * @param whose what a match carries on, or null
 * @param watermark the greatest watermark before it
 */
record Arrival(
    String id, String key, long time, int kind, double value, String whose, long watermark)
    implements Comparable<Arrival> {
  static Arrival level(String id, String key, long time, double value) {
    return new Arrival(id, key, time, Event.LEVEL, value, null, Run.NONE);
  }

  static Arrival amount(String id, String key, long time, double value) {
    return new Arrival(id, key, time, Event.AMOUNT, value, null, Run.NONE);
  }

  static Arrival step(String id, String key, long time, int step) {
    return new Arrival(id, key, time, Event.STEP + step, 0, null, Run.NONE);
  }

  Arrival after(long reached) {
    return new Arrival(id, key, time, kind, value, whose, reached);
  }

  Arrival of(String name) {
    return new Arrival(id, key, time, kind, value, name, watermark);
  }

  boolean isLate() {
    return time < watermark;
  }

  boolean isCounted() {
    return kind == Event.AMOUNT && value > 0 && !isLate();
  }

  @Override
  public int compareTo(Arrival other) {
    int order = Long.compare(time, other.time);
    order = order != 0 ? order : Integer.compare(kind, other.kind);
    return order != 0 ? order : id.compareTo(other.id);
  }
}
