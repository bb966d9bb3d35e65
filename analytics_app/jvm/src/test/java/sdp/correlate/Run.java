package sdp.correlate;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import sdp.functions.Oracle.Arrival;
import sdp.functions.Oracle.Result;
import sdp.keyed.Bytes;
import sdp.keyed.Chunks;
import sdp.keyed.HeapBudget;
import sdp.keyed.KeyLogs;
import sdp.keyed.MemoryChunks;
import sdp.keyed.Packed;
import sdp.keyed.RowPacker;
import sdp.keyed.StateChunks;

/**
 * Runs the join as Flink does: subtasks with their key groups, checkpoints, failures after which
 * all goes on from the newest checkpoint (what came out since then is void, what came in comes
 * again), and other parallelism after them.
 */
final class Run {
  static final int GROUPS = 8;
  static final int KEY = 0;
  static final int ID = 1;
  static final int STAGE = 2;
  static final int FIRST = 3;
  static final int AT = 4;
  private static final List<String> COLUMNS = List.of("key", "id", "stage", "first", "at");
  private static final List<LogicalTypeRoot> TYPES =
      List.of(
          LogicalTypeRoot.VARCHAR,
          LogicalTypeRoot.BIGINT,
          LogicalTypeRoot.BIGINT,
          LogicalTypeRoot.VARCHAR,
          LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE);
  private static final int[] SOURCE = {KEY, ID, STAGE, FIRST, AT};

  static Reasons reasons(Layout layout) {
    return new Reasons(layout, Map.of(), new String[0]);
  }

  /** The parts that may be replaced by wrong ones. */
  static class Parts {
    KeyLogs logs(Chunks state, HeapBudget heap, int first, int count, long step) {
      return new KeyLogs(state, heap, GROUPS, first, count, step);
    }

    Join join(Layout layout, KeyLogs logs, Join.Outcomes outcomes) {
      return new Join(layout, reasons(layout), logs, outcomes);
    }

    long kept(long watermark) {
      return watermark;
    }
  }

  /**
   * What must make no difference.
   *
   * @param heap the bytes each subtask may use
   * @param hot the bytes of the index from which on keys move to cold ones
   * @param hashes how many different hashes keys have
   * @param checkpoints how often, on average, in a hundred arrivals
   * @param failures how often, on average, in a hundred arrivals
   */
  record Circumstances(long heap, long hot, int hashes, int checkpoints, int failures) {
    static final Circumstances USUAL = new Circumstances(1 << 20, 1 << 17, 1 << 20, 0, 0);

    static Circumstances any(Random random) {
      return new Circumstances(
          random.nextBoolean() ? 1 << 20 : 4_000 + random.nextInt(4_000),
          random.nextBoolean() ? 1 << 17 : 0,
          random.nextBoolean() ? 1 << 20 : 1 + random.nextInt(3),
          random.nextInt(3) == 0 ? 0 : 30,
          random.nextInt(3) == 0 ? 0 : 15);
    }
  }

  private record Subtask(Join join, KeyLogs logs) {}

  private record Checkpoint(
      MemoryChunks state, long watermark, long floor, int position, int results) {}

  private final Layout layout;
  private final Circumstances circumstances;
  private final Parts parts;
  private final Random random;
  private final List<Result> results = new ArrayList<>();
  private final List<Subtask> subtasks = new ArrayList<>();
  private final RowPacker packer = new RowPacker(TYPES.toArray(LogicalTypeRoot[]::new), 0, 4, -1);
  private MemoryChunks state = new MemoryChunks();
  private int restartAt = -1;

  private Run(Layout layout, Circumstances circumstances, Parts parts, long seed) {
    this.layout = layout;
    this.circumstances = circumstances;
    this.parts = parts;
    random = new Random(seed);
  }

  static Layout layout(int stages, long window, long lateness) {
    List<String> names = new ArrayList<>();
    for (int stage = 0; stage < stages; stage++) {
      names.add("s" + stage);
    }
    long own = 1L << ID | 1L << STAGE | 1L << AT;
    return new Layout("test", COLUMNS, TYPES, KEY, own, names, window, lateness);
  }

  static List<Result> run(Layout layout, List<Arrival> arrivals, Circumstances circumstances)
      throws Exception {
    return run(layout, arrivals, circumstances, new Parts(), 1);
  }

  static List<Result> run(
      Layout layout, List<Arrival> arrivals, Circumstances circumstances, Parts parts, long seed)
      throws Exception {
    return new Run(layout, circumstances, parts, seed).run(arrivals);
  }

  /** Fails once, right after a checkpoint, before the arrival at a moment. */
  static List<Result> restarted(
      Layout layout, List<Arrival> arrivals, Circumstances any, int moment, long seed)
      throws Exception {
    Circumstances quiet = new Circumstances(any.heap, any.hot, any.hashes, 0, 0);
    Run run = new Run(layout, quiet, new Parts(), seed);
    run.restartAt = moment;
    return run.run(arrivals);
  }

  private List<Result> run(List<Arrival> arrivals) throws Exception {
    start(0, Join.NO_WATERMARK, Join.NO_WATERMARK);
    Checkpoint newest =
        new Checkpoint(new MemoryChunks(), Join.NO_WATERMARK, Join.NO_WATERMARK, 0, 0);
    int failures = 0;
    for (int position = 0; position < arrivals.size(); position++) {
      if (random.nextInt(100) < circumstances.checkpoints) {
        newest = checkpoint(position);
      }
      if (position == restartAt) {
        Checkpoint taken = checkpoint(position);
        state = taken.state.copy();
        start(1, parts.kept(taken.watermark), parts.kept(taken.floor));
      }
      if (failures < 20 && random.nextInt(100) < circumstances.failures) {
        failures++;
        results.subList(newest.results, results.size()).clear();
        state = newest.state.copy();
        position = newest.position;
        start(1, parts.kept(newest.watermark), parts.kept(newest.floor));
      }
      Arrival arrival = arrivals.get(position);
      advance(position == 0 ? Join.NO_WATERMARK : arrivals.get(position - 1).watermark(), arrival);
      accept(arrival);
    }
    for (Subtask each : subtasks) {
      each.join.advance(Long.MAX_VALUE);
    }
    assertTrue(state.isEmpty(), "state is left behind");
    return results;
  }

  private void start(int restored, long watermark, long floor) throws Exception {
    subtasks.clear();
    int parallelism = 1 + random.nextInt(4);
    for (int subtask = 0; subtask < parallelism; subtask++) {
      int first = (subtask * GROUPS + parallelism - 1) / parallelism;
      int behind = ((subtask + 1) * GROUPS + parallelism - 1) / parallelism;
      HeapBudget heap = new HeapBudget("test", circumstances.heap, circumstances.hot);
      KeyLogs logs = parts.logs(state, heap, first, behind - first, 1 + random.nextInt(5));
      Join join = parts.join(layout, logs, new Collected());
      if (restored > 0) {
        logs.restore();
        join.restore(watermark, floor);
      }
      subtasks.add(new Subtask(join, logs));
    }
  }

  private Checkpoint checkpoint(int position) throws Exception {
    for (Subtask each : subtasks) {
      each.logs.flush();
    }
    Join join = subtasks.get(0).join;
    return new Checkpoint(state.copy(), join.watermark(), join.floor(), position, results.size());
  }

  /** Flink sends a watermark when it has grown; after a failure not before that. */
  private void advance(long before, Arrival arrival) throws Exception {
    if (arrival.watermark() > before) {
      for (Subtask each : subtasks) {
        each.join.advance(arrival.watermark());
      }
    }
  }

  private void accept(Arrival arrival) throws Exception {
    GenericRowData row = new GenericRowData(SOURCE.length);
    row.setField(KEY, StringData.fromString(arrival.key()));
    row.setField(ID, (long) arrival.id());
    row.setField(STAGE, (long) arrival.stage());
    if (arrival.stage() == 0) {
      row.setField(FIRST, StringData.fromString(String.valueOf(arrival.id())));
    }
    row.setField(AT, TimestampData.fromEpochMillis(arrival.time()));
    Packed packed = packer.pack(row, SOURCE, arrival.stage(), 0);
    long hash = Long.remainderUnsigned(packed.hash(), circumstances.hashes);
    Bytes.putLong(packed.bytes(), 0, hash * 0x9E3779B97F4A7C15L);
    int group = StateChunks.group(packed.partition(), GROUPS);
    int subtask = group * subtasks.size() / GROUPS;
    subtasks.get(subtask).join.accept(group, packed);
  }

  private final class Collected implements Join.Outcomes {
    @Override
    public void matched(int stage, OutcomeRow row) {
      add(row, (int) row.getLong(ID), Integer.parseInt(row.getString(FIRST).toString()));
    }

    @Override
    public void closed(OutcomeRow row) {
      assertTrue(row.isNullAt(ID) && row.isNullAt(STAGE) && row.isNullAt(AT), "own columns");
      String first = row.getString(FIRST).toString();
      String key = row.getString(KEY).toString();
      results.add(new Result(Outcome.CLOSED, key, 0, -1, Integer.parseInt(first)));
    }

    @Override
    public void refused(OutcomeRow row) {
      add(row, (int) row.getLong(ID), -1);
    }

    private void add(OutcomeRow row, int id, int first) {
      String key = row.getString(KEY).toString();
      results.add(new Result(row.outcome(), key, (int) row.getLong(STAGE), id, first));
    }
  }
}
