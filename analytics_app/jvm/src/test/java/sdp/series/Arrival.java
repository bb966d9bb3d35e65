package sdp.series;

/**
 * A sample on its way to the join.
 *
 * @param side the number of its series, of which {@link Run#SERIES} has the names: 0 is r, 1 is s
 * @param watermark the greatest watermark of the stream before it
 */
record Arrival(String id, String key, int side, long time, double value, long watermark) {
  static Arrival r(String key, long time) {
    return sample(key, Side.R, time, time);
  }

  static Arrival s(String key, long time) {
    return sample(key, Side.S, time, -time);
  }

  static Arrival sample(String key, int side, long time, double value) {
    return new Arrival(Run.SERIES.charAt(side) + "" + time, key, side, time, value, Run.NONE);
  }

  Arrival after(long reached) {
    return new Arrival(id, key, side, time, value, reached);
  }
}
