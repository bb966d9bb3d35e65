package sdp.series;

/**
 * Two samples that belong together. Its times identify it among the pairs of a key.
 *
 * @param rTime epoch milliseconds, as {@code sTime}
 */
record Pair(long rTime, double r, long sTime, double s) {
  /** Receives pairs. */
  interface Pairs {
    void add(Pair pair);
  }

  /** Receives pairs with how long they were the newest samples of both series, milliseconds. */
  interface Durations {
    Durations NONE = (pair, lasting) -> {};

    void add(Pair pair, long lasting);
  }

  boolean hasTimesOf(Pair other) {
    return rTime == other.rTime && sTime == other.sTime;
  }

  /** Rounded down to milliseconds. */
  long meanTime() {
    return Math.floorDiv(rTime + sTime, 2L);
  }
}
