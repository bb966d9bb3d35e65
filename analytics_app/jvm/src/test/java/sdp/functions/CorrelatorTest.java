package sdp.functions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.VarCharType;
import org.junit.jupiter.api.Test;

/** The state of a slice; CorrelationTest covers the rules. */
class CorrelatorTest {
  private static final Columns COLUMNS =
      new Columns(List.of("key"), List.of(new VarCharType(VarCharType.MAX_LENGTH)));
  private static final long MINUTE = 60_000;

  private final MapView<Long, byte[]> state = new MapView<>();
  private final TreeSet<Long> timers = new TreeSet<>();
  private final List<String> reported = new ArrayList<>();

  @Test
  void keysThatCloseTogetherShareATimer() throws Exception {
    Correlator correlator = correlator(5 * MINUTE);
    List<String> keys = keysOfOneSlice(20);
    for (String key : keys) {
      accept(correlator, key, 0, 1_000);
    }
    assertEquals(1, timers.size());
    assertEquals(Slice.of(hash(keys.get(0))), timers.first() % 1000);
  }

  @Test
  void aKeyIsToldToBeClosedAtMostASecondAndATwentiethOfItsTimeLater() throws Exception {
    Correlator correlator = correlator(5 * MINUTE);
    for (int key = 0; key < 200; key++) {
      accept(correlator, "key " + key, 0, 1_234);
    }
    long closed = 1_234 + 10 * MINUTE + 1;
    assertTrue(timers.first() >= closed, timers + " is before " + closed);
    assertTrue(timers.last() < closed + 32_000, timers + " is long after " + closed);
  }

  @Test
  void aLongerWindowHoldsForWhatWasOpenBeforeIt() throws Exception {
    accept(correlator(MINUTE), "a", 0, 0);
    long before = timers.pollFirst();
    Correlator longer = correlator(10 * MINUTE);
    longer.fire(before, state, timers::add);
    assertEquals(List.of("matched a"), reported);
    accept(longer, "a", 1, 8 * MINUTE);
    assertEquals(List.of("matched a", "matched a"), reported);
    longer.fire(timers.pollFirst(), state, timers::add);
    assertEquals(List.of("matched a", "matched a", "closed a"), reported);
    assertTrue(state.isEmpty());
  }

  @Test
  void aKeyOutsideItsSliceIsRefused() {
    int wrong = (Slice.of(hash("a")) + 1) % Slice.SLICES;
    Exception refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> correlator(MINUTE).accept(row("a"), wrong, 0, 0, 0, state, timers::add));
    assertTrue(refused.getMessage().contains("must be SLICE of the key column; the key 'a'"));
  }

  private Correlator correlator(long window) {
    return new Correlator(
        new Correlation(2, window, window),
        COLUMNS,
        0,
        key -> hash(key.toString()),
        new boolean[1],
        new OpenKeys.Room(1_000),
        (values, outcome, times, matched) -> reported.add(outcome.label() + " " + values[0]));
  }

  private void accept(Correlator correlator, String key, int stage, long time) throws Exception {
    int slice = Slice.of(hash(key));
    correlator.accept(row(key), slice, stage, time, Long.MIN_VALUE, state, timers::add);
  }

  private static List<String> keysOfOneSlice(int wanted) {
    int slice = Slice.of(hash("key 0"));
    List<String> keys = new ArrayList<>();
    for (int i = 0; keys.size() < wanted; i++) {
      if (Slice.of(hash("key " + i)) == slice) {
        keys.add("key " + i);
      }
    }
    return keys;
  }

  private static Object[] row(String key) {
    return new Object[] {StringData.fromString(key)};
  }

  private static long hash(String key) {
    return Slice.hash(StringData.fromString(key).toBytes());
  }
}
