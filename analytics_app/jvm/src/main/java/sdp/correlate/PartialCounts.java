package sdp.correlate;

import java.util.Arrays;
import java.util.function.Consumer;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;

/**
 * Matched records since the last {@link #drain}, for each group and period: how many of each stage,
 * a sum, and how many in all. It is emptied before each barrier, so it is no state.
 */
final class PartialCounts {
  private final int width;
  private final int stages;
  private long[] keys = new long[2 * 256];
  private long[] values;
  private boolean[] used = new boolean[256];
  private int size;

  PartialCounts(int stages) {
    this.stages = stages;
    width = stages + 2;
    values = new long[used.length * width];
  }

  int size() {
    return size;
  }

  /** A sum beyond 64 bits stays at the greatest number. */
  void add(long group, long period, int stage, long amount) {
    int at = slot(group, period) * width;
    values[at + stage]++;
    values[at + stages] = sum(values[at + stages], amount);
    values[at + stages + 1]++;
  }

  private static long sum(long a, long b) {
    long sum = a + b;
    boolean overflows = ((a ^ sum) & (b ^ sum)) < 0;
    return overflows ? (a < 0 ? Long.MIN_VALUE : Long.MAX_VALUE) : sum;
  }

  private int slot(long group, long period) {
    if (size * 2 >= used.length) {
      grow();
    }
    int mask = used.length - 1;
    long hash = (group * 0x9E3779B97F4A7C15L ^ period) * 0xBF58476D1CE4E5B9L;
    int slot = (int) (hash >>> 32) & mask;
    while (used[slot] && (keys[2 * slot] != group || keys[2 * slot + 1] != period)) {
      slot = slot + 1 & mask;
    }
    if (!used[slot]) {
      size++;
      used[slot] = true;
      keys[2 * slot] = group;
      keys[2 * slot + 1] = period;
    }
    return slot;
  }

  private void grow() {
    boolean[] before = used;
    long[] named = keys;
    long[] counted = values;
    used = new boolean[before.length * 2];
    keys = new long[used.length * 2];
    values = new long[used.length * width];
    size = 0;
    for (int i = 0; i < before.length; i++) {
      if (before[i]) {
        int slot = slot(named[2 * i], named[2 * i + 1]);
        System.arraycopy(counted, i * width, values, slot * width, width);
      }
    }
  }

  /** Passes on a row for each group and period, and forgets them. */
  void drain(Consumer<RowData> sink) {
    for (int slot = 0; slot < used.length && size > 0; slot++) {
      if (used[slot]) {
        sink.accept(row(slot));
      }
    }
    Arrays.fill(used, false);
    Arrays.fill(values, 0);
    size = 0;
  }

  private RowData row(int slot) {
    GenericRowData row = new GenericRowData(2 + width);
    row.setField(0, keys[2 * slot]);
    row.setField(1, keys[2 * slot + 1]);
    for (int i = 0; i < width; i++) {
      row.setField(2 + i, values[slot * width + i]);
    }
    return row;
  }
}
