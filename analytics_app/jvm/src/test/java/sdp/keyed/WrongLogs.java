package sdp.keyed;

/** Logs with one mistake each, for tests that must notice it. */
public class WrongLogs extends KeyLogs {
  /** What is wrong. */
  public enum Mistake {
    CLASH_IGNORED,
    ONE_LOG_NOT_FLUSHED,
    CLOSED_TOO_EARLY,
    NOT_BURIED,
    COLD_KEYS_FORGOTTEN
  }

  private final Mistake mistake;
  private final long step;
  private int flushes;

  public WrongLogs(
      Mistake mistake,
      Chunks state,
      HeapBudget heap,
      int maxParallelism,
      int first,
      int count,
      long step) {
    super(state, heap, maxParallelism, first, count, step);
    this.mistake = mistake;
    this.step = step;
  }

  @Override
  boolean isSameKey(long hash, byte[] key, int from, int length) {
    return mistake == Mistake.CLASH_IGNORED || super.isSameKey(hash, key, from, length);
  }

  @Override
  boolean findCold(long hash, byte[] key, int from, int length, Log dueWith) throws Exception {
    return mistake != Mistake.COLD_KEYS_FORGOTTEN
        && super.findCold(hash, key, from, length, dueWith);
  }

  @Override
  void flush(Log log) throws Exception {
    if (mistake != Mistake.ONE_LOG_NOT_FLUSHED || ++flushes % 5 != 0) {
      super.flush(log);
    }
  }

  @Override
  boolean isDue(long dueAt, long watermark) {
    boolean early = mistake == Mistake.CLOSED_TOO_EARLY;
    return super.isDue(early ? dueAt - step : dueAt, watermark);
  }

  @Override
  void bury(long dueAt, long hash, byte[] key, int from, int keyLength) throws Exception {
    if (mistake != Mistake.NOT_BURIED) {
      super.bury(dueAt, hash, key, from, keyLength);
    }
  }
}
