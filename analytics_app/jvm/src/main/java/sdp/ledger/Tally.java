package sdp.ledger;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;

/**
 * What was counted since the last {@link #drain}, for each minute of receipt. It is emptied before
 * each barrier, so it is no state.
 */
public final class Tally {
  private static final long MINUTE = 60_000;
  private static final int WIDTH = Counted.values().length;

  private final Map<Long, long[]> minutes = new LinkedHashMap<>();

  /** Most records are of the same minute as the one before. */
  private long start;

  private long[] counts;

  /** Counts a record that was received at a time, in epoch milliseconds. */
  public void add(long received, Counted what) {
    if (counts == null || received < start || received - start >= MINUTE) {
      start = received - Math.floorMod(received, MINUTE);
      counts = minutes.computeIfAbsent(start, minute -> new long[WIDTH]);
    }
    counts[what.ordinal()]++;
  }

  /** Passes on a row for each minute, and forgets them. */
  public void drain(Consumer<RowData> sink) {
    minutes.forEach((minute, numbers) -> sink.accept(row(minute, numbers)));
    minutes.clear();
    counts = null;
  }

  private static RowData row(long minute, long[] numbers) {
    GenericRowData row = new GenericRowData(1 + WIDTH);
    row.setField(0, minute / 1000);
    for (int i = 0; i < WIDTH; i++) {
      row.setField(1 + i, numbers[i]);
    }
    return row;
  }
}
