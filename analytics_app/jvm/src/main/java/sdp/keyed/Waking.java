package sdp.keyed;

/** When a key is looked at that is due later: the number of logs is bounded by it. */
public final class Waking {
  private static final int LOGS = 128;
  private static final int COARSER = 16;

  /**
   * When to look at a key: the later it is due, the coarser the steps, and the earlier it is looked
   * at again.
   *
   * @param reached the watermark; {@link Long#MIN_VALUE} before there is one
   * @param step between two logs, in milliseconds
   */
  public static long at(long due, long reached, long step) {
    if (reached == Long.MIN_VALUE || due <= reached) {
      return due;
    }
    long coarse = step;
    while (due - reached > LOGS * coarse) {
      coarse *= COARSER;
    }
    return coarse == step ? due : Math.floorDiv(due, coarse) * coarse;
  }

  private Waking() {}
}
