package sdp.series;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import sdp.definitions.Version;
import sdp.keyed.HeapBudget;
import sdp.keyed.KeyLogs;
import sdp.keyed.MemoryChunks;
import sdp.keyed.Packed;
import sdp.keyed.RefusedRow;
import sdp.keyed.RowPacker;
import sdp.keyed.StateChunks;
import sdp.ledger.Refusal;

/**
 * Runs the join as Flink does: subtasks with their key groups, checkpoints, failures after which
 * all goes on from the newest checkpoint (what came out since then is void, what came in comes
 * again), and other parallelism after them.
 */
final class Run {
  /** No watermark yet. */
  static final long NONE = Frontier.NONE;

  static final LogicalTypeRoot[] TYPES = {
    LogicalTypeRoot.VARCHAR,
    LogicalTypeRoot.VARCHAR,
    LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE,
    LogicalTypeRoot.DOUBLE,
    LogicalTypeRoot.VARCHAR
  };
  static final SeriesJoin.Columns COLUMNS = new SeriesJoin.Columns("key", 1, 3, 4);

  /** The names of the series, a letter each. */
  static final String SERIES = "rstu";

  /** The join that needs no definition. */
  static final String JOIN = "power";

  private static final int GROUPS = 8;
  private static final int[] SOURCE = {0, 1, 2, 3, 4};

  /**
   * What must make no difference.
   *
   * @param heap the bytes each subtask may use
   * @param step the time from a log to its next
   * @param checkpoints how often, on average, in a hundred arrivals
   * @param failures how often, on average, in a hundred arrivals
   */
  record Circumstances(long heap, long step, int checkpoints, int failures) {
    static final Circumstances USUAL = new Circumstances(1 << 20, 1, 0, 0);

    static Circumstances any(Random random) {
      return new Circumstances(
          random.nextBoolean() ? 1 << 20 : 8_000 + random.nextInt(8_000),
          random.nextBoolean() ? SeriesJoin.STEP : 1 + random.nextInt(20),
          random.nextInt(3) == 0 ? 0 : 30,
          random.nextInt(3) == 0 ? 0 : 15);
    }
  }

  /**
   * What is written while samples arrive.
   *
   * @param position before which arrival
   * @param frontier up to where nothing can be added from then on
   */
  record Written(int position, List<Version> versions, long frontier) {
    static final Written ALL = new Written(0, List.of(), Long.MAX_VALUE);
  }

  private record Subtask(SeriesJoins joins, KeyLogs logs, KeyLogs waiting) {}

  private record Checkpoint(
      MemoryChunks state,
      MemoryChunks waiting,
      long watermark,
      long numbers,
      int position,
      int results,
      int durations) {}

  private final SeriesJoin.Limits limits;
  private final Circumstances circumstances;
  private final Random random;

  /** Pairs with their status and refusals, in the order they came out. */
  private final List<String> results = new ArrayList<>();

  /** How long pairs lasted, in that order. */
  private final List<String> durations = new ArrayList<>();

  private final List<Subtask> subtasks = new ArrayList<>();
  private final RowPacker packer = new RowPacker(TYPES, 0, 2, -1);
  private MemoryChunks state = new MemoryChunks();
  private MemoryChunks waiting = new MemoryChunks();
  private final List<Written> written;

  /** How many arrivals the definitions are not there for after a failure. */
  private int absent;

  private long frontier = NONE;
  private int known;
  private int restartAt = -1;

  Run(SeriesJoin.Limits limits, Circumstances circumstances, long seed) throws Exception {
    this(limits, List.of(Written.ALL), circumstances, seed);
    define(0);
  }

  private Run(
      SeriesJoin.Limits limits, List<Written> written, Circumstances circumstances, long seed)
      throws Exception {
    this.limits = limits;
    this.written = written;
    this.circumstances = circumstances;
    random = new Random(seed);
    start(null);
  }

  /** What is final and what is refused in the end, sorted; what was provisional is no more. */
  static List<String> run(
      SeriesJoin.Limits limits, List<Arrival> arrivals, Circumstances circumstances, long seed)
      throws Exception {
    return new Run(limits, circumstances, seed).run(arrivals);
  }

  /** The same with definitions; the last of what is written is the end. */
  static List<String> run(
      SeriesJoin.Limits limits,
      List<Written> written,
      List<Arrival> arrivals,
      Circumstances circumstances,
      long seed)
      throws Exception {
    return new Run(limits, written, circumstances, seed).run(arrivals);
  }

  /** A run that is driven by hand, with what is written before the first sample. */
  static Run started(SeriesJoin.Limits limits, List<Written> written) throws Exception {
    Run run = new Run(limits, written, Circumstances.USUAL, 1);
    run.define(0);
    return run;
  }

  /** Fails once, right after a checkpoint, before the arrival at a moment. */
  static List<String> restarted(
      SeriesJoin.Limits limits, List<Arrival> arrivals, int moment, long seed) throws Exception {
    Run run = new Run(limits, Circumstances.USUAL, seed);
    run.restartAt = moment;
    return run.run(arrivals);
  }

  private List<String> run(List<Arrival> arrivals) throws Exception {
    Checkpoint newest = new Checkpoint(new MemoryChunks(), new MemoryChunks(), NONE, 0, 0, 0, 0);
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
        durations.subList(newest.durations, durations.size()).clear();
        position = newest.position;
        restore(newest);
      }
      define(position);
      take(position == 0 ? NONE : arrivals.get(position - 1).watermark(), arrivals.get(position));
    }
    absent = 0;
    define(Integer.MAX_VALUE);
    advance(Long.MAX_VALUE);
    assertEquals(0, openEntries());
    assertTrue(state.isEmpty() && waiting.isEmpty(), "state is left behind");
    return settled();
  }

  /** A pair ends as final or as withdrawn, and nothing follows once it is final. */
  private List<String> settled() {
    Map<String, String> statuses = new TreeMap<>();
    List<String> all = new ArrayList<>(durations);
    for (String result : results) {
      String[] parts = result.split(" ", 2);
      if (isOfPair(parts[0])) {
        String[] words = parts[1].split(" ");
        String before = statuses.put(words[0] + words[1] + words[3], parts[0]);
        assertTrue(!"final".equals(before), () -> result + " after it is final");
        assertTrue(!parts[0].equals("withdrawn") || "provisional".equals(before), result);
      }
      if (!parts[0].equals("provisional") && !parts[0].equals("withdrawn")) {
        all.add(result);
      }
    }
    assertTrue(!statuses.containsValue("provisional"), statuses::toString);
    return all.stream().sorted().toList();
  }

  private static boolean isOfPair(String status) {
    return status.equals("final") || status.equals("provisional") || status.equals("withdrawn");
  }

  /** The pairs that hold now, whether final or provisional. */
  List<String> holding() {
    Map<String, String> pairs = new TreeMap<>();
    for (String result : results) {
      String[] parts = result.split(" ", 2);
      if (isOfPair(parts[0])) {
        String[] words = parts[1].split(" ");
        String times = words[0] + " " + words[1] + words[3];
        if (parts[0].equals("withdrawn")) {
          pairs.remove(times);
        } else {
          pairs.put(times, " " + parts[1]);
        }
      }
    }
    return pairs.values().stream().sorted().toList();
  }

  private void restore(Checkpoint checkpoint) throws Exception {
    state = checkpoint.state.copy();
    waiting = checkpoint.waiting.copy();
    start(checkpoint);
    absent = random.nextInt(4);
    known = 0;
    frontier = NONE;
    if (written.size() == 1) {
      absent = 0;
      define(0);
    }
  }

  /** Gives what has been written before an arrival to the subtasks, unless it is absent yet. */
  void define(int position) throws Exception {
    if (absent > 0) {
      absent--;
      return;
    }
    for (; known < written.size() && written.get(known).position <= position; known++) {
      for (Subtask each : subtasks) {
        written.get(known).versions.forEach(each.joins::define);
      }
      frontier = written.get(known).frontier;
    }
    for (Subtask each : subtasks) {
      each.joins.reach(frontier);
    }
  }

  private void start(Checkpoint restored) throws Exception {
    subtasks.clear();
    int parallelism = 1 + random.nextInt(4);
    for (int subtask = 0; subtask < parallelism; subtask++) {
      int first = (subtask * GROUPS + parallelism - 1) / parallelism;
      int behind = ((subtask + 1) * GROUPS + parallelism - 1) / parallelism;
      HeapBudget heap = new HeapBudget("test", circumstances.heap);
      KeyLogs logs = new KeyLogs(state, heap, GROUPS, first, behind - first, circumstances.step);
      long waitStep = random.nextBoolean() ? 1 : SeriesJoins.STEP;
      KeyLogs held =
          new KeyLogs(
              waiting,
              new HeapBudget("test", circumstances.heap),
              GROUPS,
              first,
              behind - first,
              waitStep);
      SeriesJoins joins =
          new SeriesJoins(
              COLUMNS,
              limits,
              new Joins(new JoinVersion(JOIN, 0, JoinVersion.ALWAYS, "r", "s", limits.distance())),
              logs,
              held,
              waitStep,
              new Collected());
      if (restored != null) {
        joins.restore(restored.watermark, restored.numbers);
        logs.restore();
        held.restore();
      }
      subtasks.add(new Subtask(joins, logs, held));
    }
  }

  private Checkpoint checkpoint(int position) throws Exception {
    for (Subtask each : subtasks) {
      each.logs.flush();
      each.waiting.flush();
    }
    return new Checkpoint(
        state.copy(),
        waiting.copy(),
        subtasks.get(0).joins.watermark(),
        subtasks.stream().mapToLong(each -> each.joins.numbers()).max().orElse(0),
        position,
        results.size(),
        durations.size());
  }

  /** Flink sends a watermark when it has grown; after a failure not before that. */
  private void take(long before, Arrival arrival) throws Exception {
    if (arrival.watermark() > before) {
      advance(arrival.watermark());
    }
    accept(arrival);
  }

  void advance(long watermark) throws Exception {
    for (Subtask each : subtasks) {
      each.joins.advance(Math.min(watermark, frontier));
    }
  }

  long openEntries() {
    return subtasks.stream().mapToLong(each -> each.logs.open() + each.waiting.open()).sum();
  }

  /** What a checkpoint would have. */
  long storedBytes() throws Exception {
    return checkpoint(0).state.bytes();
  }

  List<String> results() {
    return results;
  }

  List<String> durations() {
    return durations;
  }

  void accept(Arrival arrival) throws Exception {
    Packed packed = packer.pack(row(arrival), SOURCE, 0, 0);
    int group = StateChunks.group(packed.partition(), GROUPS);
    int subtask = group * subtasks.size() / GROUPS;
    subtasks.get(subtask).joins.accept(group, packed);
  }

  static GenericRowData row(Arrival arrival) {
    return GenericRowData.of(
        arrival.key() == null ? null : StringData.fromString(arrival.key()),
        StringData.fromString(arrival.id()),
        TimestampData.fromEpochMillis(arrival.time()),
        arrival.value(),
        StringData.fromString(SERIES.substring(arrival.side(), arrival.side() + 1)));
  }

  static String refused(RowData row) {
    String key = row.isNullAt(0) ? null : row.getString(0).toString();
    long time = row.getTimestamp(2, 3).getMillisecond();
    String id = row.getString(1).toString();
    String outcome = row.getString(TYPES.length).toString();
    return Oracle.refused(outcome, new Arrival(id, key, 0, time, row.getDouble(3), NONE));
  }

  static String named(JoinVersion join, byte[] key) {
    return Oracle.named(join.join, join.version, new String(key, StandardCharsets.UTF_8));
  }

  private final class Collected implements SeriesJoin.Outcomes {
    @Override
    public void settled(byte[] record, int at) {
      // what is counted is tested with the operator
    }

    @Override
    public void left(byte[] record, int at) {
      results.add(Run.refused(RefusedRow.of(TYPES, record, at + Packed.BLOCK, "left", "")));
    }

    @Override
    public void pair(JoinVersion join, byte[] key, Pair pair, Status status) {
      results.add(Oracle.pair(status.label(), named(join, key), pair));
    }

    @Override
    public void lasted(JoinVersion join, byte[] key, Pair pair, long lasting) {
      durations.add(Oracle.lasted(named(join, key), pair, lasting));
    }

    @Override
    public void refused(Refusal refusal, byte[] record, int at, String why) {
      results.add(
          Run.refused(RefusedRow.of(TYPES, record, at + Packed.BLOCK, refusal.label(), why)));
    }
  }
}
