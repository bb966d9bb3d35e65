package sdp.keyed;

/** When a key is looked at that is due later: the number of logs is bounded by it. */
final class Waking {
  /** How many logs of a key group may have due times of the same step. */
  static final int LOGS = 256;

  /**
   * When to look at a key: the later it is due, the coarser the steps, and the earlier it is looked
   * at again. A log of coarse steps has many keys: key groups take turns, so that not all are
   * looked at together.
   *
   * @param reached the watermark; {@link Long#MIN_VALUE} before there is one
   * @param step between two logs, in milliseconds
   * @param group the key group, of {@code groups}
   * @return not after {@code due}, and after {@code reached} if {@code due} is
   */
  static long at(long due, long reached, long step, int group, int groups) {
    if (reached == Long.MIN_VALUE || due <= reached) {
      return due;
    }
    long coarse = step;
    while ((due - reached - 1) / LOGS >= coarse) {
      coarse *= LOGS;
    }
    if (coarse == step) {
      return due;
    }
    long shift = turn(coarse, group, groups);
    return Math.floorDiv(due + shift, coarse) * coarse - shift;
  }

  /** When a group's turn is in a span of time that all groups share. */
  static long turn(long span, int group, int groups) {
    return span / groups * group;
  }

  private Waking() {}
}
