package sdp.decisions;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import sdp.decisions.History.Arrival;
import sdp.definitions.DynamoStore;
import sdp.definitions.DynamoStoreTest;
import sdp.definitions.FakeTable;
import sdp.definitions.Version;
import sdp.keyed.HeapBudget;
import sdp.keyed.KeyLogs;
import sdp.keyed.MemoryChunks;
import sdp.keyed.Packed;
import sdp.keyed.RowPacker;
import sdp.keyed.StateChunks;
import sdp.ledger.Refusal;
import sdp.scores.Models;

/**
 * Runs decisions as Flink does: subtasks with their key groups, the watermark of two inputs,
 * checkpoints, failures after which all goes on from the newest checkpoint at another parallelism
 * (what came out since then is void, what came in comes again, definitions are read again from
 * nothing). Meanwhile people add definitions, and the reader of the table moves the frontier.
 */
final class Run {
  static final LogicalTypeRoot[] TYPES = {
    LogicalTypeRoot.VARCHAR,
    LogicalTypeRoot.VARCHAR,
    LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE,
    LogicalTypeRoot.VARCHAR,
    LogicalTypeRoot.DOUBLE,
    LogicalTypeRoot.BIGINT,
    LogicalTypeRoot.VARCHAR
  };
  static final Layout LAYOUT =
      new Layout(
          TYPES,
          "key",
          1,
          new Fields(
              List.of(
                  new Fields.Field("kind", 3, TYPES[3]), new Fields.Field("value", 4, TYPES[4]))),
          new Fields(
              List.of(
                  new Fields.Field("age", 5, TYPES[5]),
                  new Fields.Field("customer_id", 6, TYPES[6]))),
          "customer_id");
  private static final int[] SOURCE = {0, 1, 2, 3, 4, 5, 6};
  private static final int GROUPS = 8;

  private record Subtask(Deciding deciding, Definitions definitions, KeyLogs logs) {}

  private record Checkpoint(
      MemoryChunks state, long watermark, int position, int decisions, int refusals) {}

  private final FakeTable table;
  private final boolean bounded;
  private final Random random;
  private final int failures;
  private final AtomicLong now = new AtomicLong();
  private final List<Subtask> subtasks = new ArrayList<>();
  private final RowPacker packer = new RowPacker(TYPES, 0, 2, -1);
  private final List<String> decisions = new ArrayList<>();
  private final List<String> refusals = new ArrayList<>();
  private Models models = MadeUpModels.models();
  private MemoryChunks state = new MemoryChunks();
  private DynamoStore store;
  private long ofEvents;
  private long ofDefinitions;
  private int put;

  /**
   * @param bounded a replay: definitions are read once, and nobody adds any
   * @param failures how often, on average, in a hundred arrivals
   */
  Run(FakeTable table, boolean bounded, int failures, Random random) throws Exception {
    this.table = table;
    this.bounded = bounded;
    this.failures = failures;
    this.random = random;
    start(Deciding.NO_WATERMARK);
  }

  List<String> decisions() {
    return decisions.stream().sorted().toList();
  }

  List<String> refusals() {
    return refusals;
  }

  Run over(List<Arrival> arrivals) throws Exception {
    Checkpoint newest = new Checkpoint(new MemoryChunks(), Deciding.NO_WATERMARK, 0, 0, 0);
    int failed = 0;
    for (int position = 0; position < arrivals.size(); position++) {
      if (random.nextInt(100) < 20) {
        newest = checkpoint(position);
      }
      if (failed < 12 && random.nextInt(100) < failures) {
        failed++;
        position = newest.position;
        restore(newest);
      }
      Arrival next = arrivals.get(position);
      now.accumulateAndGet(next.wall(), Math::max); // time does not go back when a job does
      disturb();
      accept(next);
      advanceEvents(next.watermark());
    }
    finish();
    return this;
  }

  /** People add definitions, the table is read, in whatever order. */
  private void disturb() throws Exception {
    if (!bounded && random.nextInt(4) == 0) {
      putOne();
    }
    if (random.nextInt(3) == 0) {
      read();
    }
    if (!bounded && random.nextInt(4) == 0) {
      putOne();
    }
  }

  private void putOne() {
    long validFrom = now.get() - 20 + random.nextInt(60);
    long instant = table.instant();
    Version version = MadeUp.version(random, ++put, validFrom);
    assertTrue(table.put(version) == validFrom > instant, "the frontier is what decides");
  }

  void read() throws Exception {
    var update = store.read();
    for (Subtask each : subtasks) {
      update.versions().forEach(each.definitions::add);
    }
    ofDefinitions = update.instant();
    advance();
  }

  void advanceEvents(long watermark) throws Exception {
    ofEvents = Math.max(ofEvents, watermark);
    advance();
  }

  private void advance() throws Exception {
    for (Subtask each : subtasks) {
      each.deciding.advance(Math.min(ofEvents, ofDefinitions));
    }
  }

  private void finish() throws Exception {
    now.addAndGet(10_000);
    read();
    advanceEvents(Long.MAX_VALUE);
    long open = subtasks.stream().mapToLong(each -> each.logs.open()).sum();
    assertTrue(!bounded || open == 0 && state.isEmpty(), "state is left behind");
  }

  // --- checkpoints ------------------------------------------------------------------------------

  /** A failure right after a checkpoint; the table is read again. */
  void fail() throws Exception {
    long watermark = ofEvents;
    restore(checkpoint(0));
    read();
    advanceEvents(watermark);
  }

  private Checkpoint checkpoint(int position) throws Exception {
    for (Subtask each : subtasks) {
      each.logs.flush();
    }
    long watermark = subtasks.get(0).deciding.watermark();
    return new Checkpoint(state.copy(), watermark, position, decisions.size(), refusals.size());
  }

  private void restore(Checkpoint from) throws Exception {
    decisions.subList(from.decisions, decisions.size()).clear();
    refusals.subList(from.refusals, refusals.size()).clear();
    state = from.state.copy();
    start(from.watermark);
  }

  private void start(long watermark) throws Exception {
    store = new DynamoStore(table, FakeTable.NAME, new DynamoStoreTest.Manual(now), bounded);
    ofEvents = Deciding.NO_WATERMARK;
    ofDefinitions = Deciding.NO_WATERMARK;
    subtasks.clear();
    models.close();
    models = MadeUpModels.models(); // after a failure all are loaded again
    int parallelism = 1 + random.nextInt(4);
    for (int subtask = 0; subtask < parallelism; subtask++) {
      int first = (subtask * GROUPS + parallelism - 1) / parallelism;
      int behind = ((subtask + 1) * GROUPS + parallelism - 1) / parallelism;
      KeyLogs logs =
          new KeyLogs(
              state,
              new HeapBudget("test", random.nextBoolean() ? 1 << 20 : 8_000),
              GROUPS,
              first,
              behind - first,
              1 + random.nextInt(100));
      Definitions definitions = new Definitions();
      var scores =
          new ModelScores(definitions, models, 0.5, new SimpleCounter(), new SimpleCounter());
      Decider decider = new Decider(definitions);
      Deciding deciding = new Deciding(LAYOUT, decider, scores, logs, new Collected());
      if (watermark != Deciding.NO_WATERMARK) {
        deciding.restore(watermark);
      }
      logs.restore();
      subtasks.add(new Subtask(deciding, definitions, logs));
    }
  }

  // --- rows -------------------------------------------------------------------------------------

  void accept(Arrival arrival) throws Exception {
    Packed packed = packed(packer, arrival);
    int group = StateChunks.group(packed.partition(), GROUPS);
    subtasks.get(group * subtasks.size() / GROUPS).deciding.accept(group, packed);
  }

  static Packed packed(RowPacker packer, Arrival arrival) {
    return packer.pack(row(arrival), SOURCE, kind(arrival), 0);
  }

  static int kind(Arrival arrival) {
    return arrival.profile() ? Layout.PROFILE : Layout.EVENT;
  }

  static GenericRowData row(Arrival arrival) {
    boolean isProfile = arrival.profile();
    return GenericRowData.of(
        StringData.fromString(arrival.key()),
        StringData.fromString(arrival.id()),
        TimestampData.fromEpochMillis(arrival.time()),
        isProfile ? null : StringData.fromString("low"),
        isProfile ? null : (Object) (double) arrival.value(),
        isProfile ? (Object) arrival.value() : null,
        isProfile ? StringData.fromString("customer of " + arrival.key()) : null);
  }

  private static String features(Decision.RuleResult rule) {
    return rule.features().entrySet().stream()
        .map(feature -> feature.getKey() + feature.getValue())
        .collect(Collectors.joining());
  }

  /** A decision as the tests write it. */
  static String words(Map<String, Object> event, Map<String, Object> profile, Decision decision) {
    String rules =
        decision.rules().stream()
            .map(
                rule ->
                    " %s%d%s=%s"
                        .formatted(
                            rule.version().name(),
                            rule.version().version(),
                            features(rule),
                            rule.result().name().toLowerCase()))
            .collect(Collectors.joining());
    String of = profile == null ? "-" : String.valueOf(profile.get(Layout.PROFILE_ID));
    var action = decision.action();
    String follows =
        action != null
            ? "%s%d/%d"
                .formatted(
                    action.rule().name(), action.rule().version(), action.template().version())
            : decision.passed() ? "passed" : "-";
    String scored =
        decision.modelVersion() == null
            ? ""
            : " %s %s".formatted(decision.modelVersion(), decision.score());
    return "%s %s%s -> %s%s".formatted(event.get(Layout.ID), of, rules, follows, scored);
  }

  private final class Collected implements Deciding.Outcomes {
    @Override
    public void taken(Packed packed) {
      // what is counted is tested with the operator
    }

    @Override
    public void decided(
        long time, Map<String, Object> event, Map<String, Object> profile, Decision decision) {
      decisions.add(words(event, profile, decision));
    }

    @Override
    public void refused(Refusal refusal, Packed packed, String why) {
      refusals.add(refusal.label());
    }
  }
}
