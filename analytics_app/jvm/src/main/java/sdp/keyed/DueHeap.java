package sdp.keyed;

import java.util.Arrays;

/**
 * The logs of a subtask, the one that is due first in front: a binary heap whose times lie beside
 * each other, because in a stream of many keys each event makes a log or two.
 */
final class DueHeap {
  private long[] times = new long[64];
  private Log[] logs = new Log[64];
  private int size;

  /** The log that is due first; null if there is none. */
  Log peek() {
    return logs[0];
  }

  void add(Log log) {
    if (size == logs.length) {
      times = Arrays.copyOf(times, size * 2);
      logs = Arrays.copyOf(logs, size * 2);
    }
    int hole = size++;
    for (int parent = hole - 1 >> 1; hole > 0 && times[parent] > log.due; parent = hole - 1 >> 1) {
      move(parent, hole);
      hole = parent;
    }
    set(hole, log);
  }

  /** Removes the log that is due first; there must be one. */
  void remove() {
    Log last = logs[--size];
    logs[size] = null;
    if (size > 0) {
      sift(last);
    }
  }

  /** Puts a log where the first one was. */
  private void sift(Log log) {
    int hole = 0;
    for (int child = 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && times[child + 1] < times[child]) {
        child++;
      }
      if (times[child] >= log.due) {
        break;
      }
      move(child, hole);
      hole = child;
    }
    set(hole, log);
  }

  private void move(int from, int to) {
    times[to] = times[from];
    logs[to] = logs[from];
  }

  private void set(int at, Log log) {
    times[at] = log.due;
    logs[at] = log;
  }
}
