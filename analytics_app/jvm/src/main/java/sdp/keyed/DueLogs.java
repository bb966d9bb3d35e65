package sdp.keyed;

/**
 * The logs of a key group by the time at which they are due: an open-addressing table, at most half
 * full. Due times are multiples of a few steps, so their bits are mixed first.
 */
final class DueLogs {
  private static final int MIN_CAPACITY = 16;

  /** An odd number without a pattern in its bits: 2^64 divided by the golden ratio. */
  private static final long MIXER = 0x9E3779B97F4A7C15L;

  private long[] times = new long[MIN_CAPACITY];
  private Log[] logs = new Log[MIN_CAPACITY];
  private int size;

  /** The log that is due at a time; null if there is none. */
  Log get(long due) {
    return logs[slot(due)];
  }

  /** Notes a log, in place of the one with the same due time. */
  void put(Log log) {
    if (size * 2 >= logs.length) {
      grow();
    }
    int slot = slot(log.due);
    size += logs[slot] == null ? 1 : 0;
    times[slot] = log.due;
    logs[slot] = log;
  }

  /** Forgets a log, unless another has its place. */
  void remove(Log log) {
    int hole = slot(log.due);
    if (logs[hole] != log) {
      return;
    }
    size--;
    for (int i = following(hole); logs[i] != null; i = following(i)) {
      if (distance(home(times[i]), i) >= distance(hole, i)) {
        times[hole] = times[i];
        logs[hole] = logs[i];
        hole = i;
      }
    }
    logs[hole] = null;
  }

  /** Where the log with that due time is, or the free slot where it would be. */
  private int slot(long due) {
    int slot = home(due);
    while (logs[slot] != null && times[slot] != due) {
      slot = following(slot);
    }
    return slot;
  }

  private void grow() {
    Log[] before = logs;
    logs = new Log[before.length * 2];
    times = new long[logs.length];
    size = 0;
    for (Log log : before) {
      if (log != null) {
        put(log);
      }
    }
  }

  private int home(long due) {
    return (int) (due * MIXER >>> 32) & logs.length - 1;
  }

  private int following(int slot) {
    return slot + 1 & logs.length - 1;
  }

  private int distance(int from, int to) {
    return to - from & logs.length - 1;
  }
}
