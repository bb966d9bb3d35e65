package sdp.functions;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.Random;
import java.util.TreeSet;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.VarCharType;
import sdp.correlate.Outcome;
import sdp.functions.Oracle.Arrival;
import sdp.functions.Oracle.Result;

/** Runs a correlation as Flink would: state, a watermark that only grows, timers. */
final class Arrivals {
  private static final Columns COLUMNS =
      new Columns(
          List.of("key", "id", "stage", "first"),
          List.of(
              new VarCharType(VarCharType.MAX_LENGTH),
              new BigIntType(),
              new BigIntType(),
              new BigIntType()));
  private static final int SLICE = 0;
  private static final boolean[] OWN = {false, true, true, false};

  /**
   * What must make no difference.
   *
   * @param room the bytes of state that are kept in memory
   * @param prints how many keys have distinct slots
   * @param restarts how often, on average, in a hundred arrivals, only the state is left
   */
  record Circumstances(long room, int prints, int restarts) {
    static final Circumstances USUAL = new Circumstances(1 << 20, 1 << 12, 0);

    static Circumstances any(Random random) {
      return new Circumstances(
          random.nextInt(400), 1 + random.nextInt(3), random.nextInt(4) == 0 ? 20 : 0);
    }
  }

  private final Correlation rules;
  private final Circumstances circumstances;
  private final Random random = new Random(1);
  private final MapView<Long, byte[]> state = new MapView<>();
  private final NavigableSet<Long> timers = new TreeSet<>();
  private final List<Result> results = new ArrayList<>();
  private Correlator correlator;

  private Arrivals(Correlation rules, Circumstances circumstances) {
    this.rules = rules;
    this.circumstances = circumstances;
    start();
  }

  static List<Result> run(Correlation rules, List<Arrival> arrivals, Circumstances circumstances)
      throws Exception {
    Arrivals run = new Arrivals(rules, circumstances);
    for (Arrival arrival : arrivals) {
      if (run.random.nextInt(100) < circumstances.restarts) {
        run.start();
      }
      run.advance(arrival.watermark());
      run.accept(arrival);
    }
    run.advance(Long.MAX_VALUE);
    assertTrue(run.state.isEmpty(), "state is left behind");
    return run.results;
  }

  private void start() {
    var room = new OpenKeys.Room(circumstances.room);
    correlator = new Correlator(rules, COLUMNS, 0, this::hash, OWN, room, this::emit);
  }

  /** All keys are in one slice, where some of them share a slot. */
  private long hash(StringData key) {
    long print = Long.remainderUnsigned(Slice.hash(key.toBytes()), circumstances.prints);
    return print * 1000 << 40;
  }

  private void accept(Arrival arrival) throws Exception {
    if (rules.isLate(arrival.time(), arrival.watermark())) {
      results.add(new Result(Outcome.LATE, arrival.key(), arrival.stage(), arrival.id(), -1));
      return;
    }
    Object[] row = {
      StringData.fromString(arrival.key()),
      (long) arrival.id(),
      (long) arrival.stage(),
      arrival.stage() == 0 ? (long) arrival.id() : null
    };
    correlator.accept(
        row, SLICE, arrival.stage(), arrival.time(), arrival.watermark(), state, timers::add);
  }

  private void advance(long watermark) throws Exception {
    while (!timers.isEmpty() && timers.first() <= watermark) {
      correlator.fire(timers.pollFirst(), state, timers::add);
    }
  }

  private void emit(Object[] values, Outcome outcome, long[] times, int matched) {
    boolean closed = outcome == Outcome.CLOSED;
    int stage = closed ? 0 : (int) (long) values[2];
    int id = closed ? -1 : (int) (long) values[1];
    boolean together = closed || outcome == Outcome.MATCHED;
    int first = together ? (int) (long) values[3] : -1;
    results.add(new Result(outcome, values[0].toString(), stage, id, first));
  }
}
