package sdp.patterns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import sdp.keyed.HeapBudget;
import sdp.keyed.KeyLogs;
import sdp.keyed.MemoryChunks;
import sdp.keyed.Packed;
import sdp.keyed.RefusedRow;
import sdp.keyed.RowPacker;
import sdp.keyed.StateChunks;
import sdp.ledger.Refusal;

/**
 * Runs the patterns as Flink does: subtasks with their key groups, checkpoints, failures after
 * which all goes on from the newest checkpoint (what came out since then is void, what came in
 * comes again), and other parallelism after them.
 */
final class Run {
  /** No watermark yet. */
  static final long NONE = Evaluation.NO_WATERMARK;

  static final LogicalTypeRoot[] TYPES = {
    LogicalTypeRoot.VARCHAR,
    LogicalTypeRoot.VARCHAR,
    LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE,
    LogicalTypeRoot.DOUBLE,
    LogicalTypeRoot.DOUBLE,
    LogicalTypeRoot.VARCHAR
  };
  static final Evaluation.Columns COLUMNS = new Evaluation.Columns("key", 1, 3, 4, 5);
  private static final int GROUPS = 8;
  private static final int[] SOURCE = {0, 1, 2, 3, 4, 5};

  /**
   * What must make no difference.
   *
   * @param heap the bytes each subtask may use
   * @param step the time from a log to its next
   * @param checkpoints how often, on average, in a hundred arrivals
   * @param failures how often, on average, in a hundred arrivals
   */
  record Circumstances(long heap, long step, int checkpoints, int failures) {
    static final Circumstances USUAL = new Circumstances(1 << 20, Evaluation.STEP, 0, 0);

    static Circumstances any(Random random) {
      return new Circumstances(
          random.nextBoolean() ? 1 << 20 : 6_000 + random.nextInt(4_000),
          random.nextBoolean() ? Evaluation.STEP : 1 + random.nextInt(20),
          random.nextInt(3) == 0 ? 0 : 30,
          random.nextInt(3) == 0 ? 0 : 15);
    }
  }

  private record Subtask(Evaluation evaluation, KeyLogs logs) {}

  private record Checkpoint(MemoryChunks state, long watermark, int position, int results) {}

  private final Rules rules;
  private final Circumstances circumstances;
  private final Random random;
  private final List<Result> results = new ArrayList<>();
  private final List<Subtask> subtasks = new ArrayList<>();
  private final RowPacker packer = new RowPacker(TYPES, 0, 2, -1);
  private MemoryChunks state = new MemoryChunks();
  private int restartAt = -1;

  Run(Rules rules, Circumstances circumstances, long seed) throws Exception {
    this.rules = rules;
    this.circumstances = circumstances;
    random = new Random(seed);
    start(false, NONE);
  }

  static List<Result> run(
      Rules rules, List<Arrival> arrivals, Circumstances circumstances, long seed)
      throws Exception {
    return new Run(rules, circumstances, seed).run(arrivals);
  }

  /** Fails once, right after a checkpoint, before the arrival at a moment. */
  static List<Result> restarted(Rules rules, List<Arrival> arrivals, int moment, long seed)
      throws Exception {
    Run run = new Run(rules, Circumstances.USUAL, seed);
    run.restartAt = moment;
    return run.run(arrivals);
  }

  private List<Result> run(List<Arrival> arrivals) throws Exception {
    Checkpoint newest = new Checkpoint(new MemoryChunks(), NONE, 0, 0);
    int failures = 0;
    for (int position = 0; position < arrivals.size(); position++) {
      if (random.nextInt(100) < circumstances.checkpoints) {
        newest = checkpoint(position);
      }
      if (position == restartAt) {
        restore(checkpoint(position));
      }
      if (failures < 20 && random.nextInt(100) < circumstances.failures) {
        failures++;
        results.subList(newest.results, results.size()).clear();
        position = newest.position;
        restore(newest);
      }
      advance(
          position == 0 ? NONE : arrivals.get(position - 1).watermark(), arrivals.get(position));
      accept(arrivals.get(position));
    }
    advance(Long.MAX_VALUE);
    assertTrue(state.isEmpty(), "state is left behind");
    assertEquals(0, openKeys());
    Collections.sort(results);
    return results;
  }

  private void restore(Checkpoint checkpoint) throws Exception {
    state = checkpoint.state.copy();
    start(true, checkpoint.watermark);
  }

  private void start(boolean isRestored, long watermark) throws Exception {
    subtasks.clear();
    int parallelism = 1 + random.nextInt(4);
    for (int subtask = 0; subtask < parallelism; subtask++) {
      int first = (subtask * GROUPS + parallelism - 1) / parallelism;
      int behind = ((subtask + 1) * GROUPS + parallelism - 1) / parallelism;
      HeapBudget heap = new HeapBudget("test", circumstances.heap);
      KeyLogs logs = new KeyLogs(state, heap, GROUPS, first, behind - first, circumstances.step);
      Evaluation evaluation =
          new Evaluation(COLUMNS, rules.patterns(), rules.remembered(), logs, new Collected());
      if (isRestored) {
        evaluation.restore(watermark);
        logs.restore();
      }
      subtasks.add(new Subtask(evaluation, logs));
    }
  }

  private Checkpoint checkpoint(int position) throws Exception {
    for (Subtask each : subtasks) {
      each.logs.flush();
    }
    long watermark = subtasks.get(0).evaluation.watermark();
    return new Checkpoint(state.copy(), watermark, position, results.size());
  }

  /** Flink sends a watermark when it has grown; after a failure not before that. */
  private void advance(long before, Arrival arrival) throws Exception {
    if (arrival.watermark() > before) {
      advance(arrival.watermark());
    }
  }

  void advance(long watermark) throws Exception {
    for (Subtask each : subtasks) {
      each.evaluation.advance(watermark);
    }
  }

  long openKeys() {
    return subtasks.stream().mapToLong(each -> each.logs.open()).sum();
  }

  /** What a checkpoint would have. */
  long storedBytes() throws Exception {
    return checkpoint(0).state.bytes();
  }

  List<Result> results() {
    return results;
  }

  void accept(Arrival arrival) throws Exception {
    Packed packed = packer.pack(row(arrival), SOURCE, arrival.kind(), 0);
    int group = StateChunks.group(packed.partition(), GROUPS);
    int subtask = group * subtasks.size() / GROUPS;
    subtasks.get(subtask).evaluation.accept(group, packed);
  }

  static GenericRowData row(Arrival arrival) {
    return GenericRowData.of(
        StringData.fromString(arrival.key()),
        StringData.fromString(arrival.id()),
        TimestampData.fromEpochMillis(arrival.time()),
        arrival.kind() == Event.LEVEL ? arrival.value() : null,
        arrival.kind() == Event.AMOUNT ? arrival.value() : null,
        StringData.fromString(arrival.whose()));
  }

  private final class Collected implements Evaluation.Outcomes {
    @Override
    public void taken(Packed packed) {
      // what is counted is tested with the operator
    }

    @Override
    public void found(byte[] key, int at, int length, Match match) {
      Double balance = match.balance() == null ? null : Fixed.value(match.balance());
      results.add(
          Result.found(
              match.kind(),
              text(key, at, length),
              match.time(),
              id(match.event()),
              match.causes().stream().map(Run::id).toList(),
              match.count(),
              balance,
              match.deviation(),
              carried(match.carrier())));
    }

    @Override
    public void refused(Refusal refusal, Packed packed, String why) {
      GenericRowData row = RefusedRow.of(TYPES, packed.bytes(), Packed.BLOCK, refusal.label(), why);
      String key = row.getString(0).toString();
      String id = row.getString(1).toString();
      long time = row.getTimestamp(2, 3).getMillisecond();
      results.add(Result.refused(row.getString(TYPES.length).toString(), key, id, time));
    }
  }

  private static String carried(Event carrier) {
    return carrier == null
        ? null
        : text(carrier.bytes(), carrier.carriedAt(), carrier.carriedLength());
  }

  private static String id(Event event) {
    return text(event.bytes(), event.at(), event.length());
  }

  private static String text(byte[] bytes, int at, int length) {
    return new String(bytes, at, length, StandardCharsets.UTF_8);
  }
}
