package sdp.correlate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Metric;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.clusterframework.types.ResourceID;
import org.apache.flink.runtime.executiongraph.ExecutionGraphTestUtils;
import org.apache.flink.runtime.metrics.MetricRegistry;
import org.apache.flink.runtime.metrics.groups.TaskManagerMetricGroup;
import org.apache.flink.runtime.metrics.util.TestingMetricRegistry;
import org.apache.flink.runtime.operators.testutils.MockEnvironment;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.runtime.util.TestingTaskManagerRuntimeInfo;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OperatorSnapshotUtil;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.util.OutputTag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sdp.keyed.Packed;
import sdp.keyed.Ports;
import sdp.keyed.RowPacker;
import sdp.keyed.StateChunks;
import sdp.ledger.Counted;
import sdp.ledger.Ledger;
import sdp.ledger.Stamp;

/** The operator in Flink's state: checkpoints, other parallelism, versions of its layout. */
class CorrelateOperatorTest {
  private static final int MAX_PARALLELISM = 128;
  private static final List<String> STAGES = List.of("bid", "imp", "click");
  private static final List<String> COLUMNS = List.of("key", "id", "domain", "at", "price");
  private static final String PUBLISHED = ".kinesisanalytics.";
  private static final Path FIXTURES = Path.of("src/test/resources");

  private final List<String> results = new ArrayList<>();
  private final Map<String, Long> ledger = new TreeMap<>();
  private List<String> columns = COLUMNS;
  private List<String> stages = STAGES;
  private long lateness = 4_000;
  private CountSpec count;
  private Stamp stamp;
  private double heapShare = 0.1;
  private int slots = 1;
  private final Map<String, Metric> metrics = new HashMap<>();
  private List<Harness> subtasks = List.of();

  /** The operator, whose outcomes are noted. */
  private final class Noted extends CorrelateOperator {
    private static final long serialVersionUID = 1L;

    Noted() {
      super(layout(), reasons(), count, stamp, heapShare, ports());
    }

    @Override
    protected void emit(OutputTag<RowData> port, RowData row) {
      if (List.of("matched", "closed", "refused").contains(port.getId())) {
        results.add(text((OutcomeRow) row));
      } else if (port.getId().equals("counts")) {
        results.add("counts, watermarks before them: " + subtasks.get(0).getOutput().size());
      } else if (port.getId().equals(Ledger.PORT)) {
        for (Counted each : Counted.values()) {
          String what = "minute " + row.getLong(0) + " " + each.label();
          ledger.merge(what, row.getLong(1 + each.ordinal()), Long::sum);
        }
      }
    }
  }

  private static final class Harness
      extends KeyedOneInputStreamOperatorTestHarness<Integer, Packed, RowData> {
    Harness(CorrelateOperator operator, MockEnvironment environment) throws Exception {
      super(operator, Packed::partition, Types.INT, environment);
    }
  }

  @Test
  void anyParallelismGoesOnWithWhatAnotherLeft() throws Exception {
    List<String> uninterrupted = run(1);
    assertTrue(uninterrupted.size() > 500);
    assertEquals(uninterrupted, run(1, 2, 1, 3));
  }

  /** In each part new keys, and the next stage of those of the part before; some are late. */
  private List<String> run(int... parallelisms) throws Exception {
    results.clear();
    Random random = new Random(5);
    start(parallelisms[0], null);
    for (int part = 0; part < 4; part++) {
      if (part > 0 && part < parallelisms.length) {
        int before = subtasks.size();
        start(parallelisms[part], AbstractStreamOperatorTestHarness.repackageState(snapshot()));
        assertEquals(parallelisms[part - 1], before);
      }
      for (int i = 0; i < 300; i++) {
        int age = random.nextInt(3);
        String key = "key " + (part - age) * 100 + random.nextInt(100);
        accept(key, random.nextInt(3), i, part * 4_000L + random.nextInt(8_000));
      }
      watermark(part * 4_000L);
      for (int i = 0; i < 50; i++) {
        accept("key " + (part - 1) * 100 + i, random.nextInt(3), 300 + i, part * 4_000L - 4_100);
      }
    }
    watermark(Long.MAX_VALUE);
    return results.stream().sorted().toList();
  }

  @Test
  void whatWasLateBeforeARestartIsLateAfterIt() throws Exception {
    start(2, null);
    accept("a", 0, 1, 1_000);
    watermark(20_000);
    assertEquals(List.of("matched bid a 1 7 d", "closed a - 7 d"), results);
    start(3, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
    results.clear();
    accept("a", 0, 1, 1_000);
    assertEquals(List.of("late bid a 1 7 d"), results);
  }

  /** Its key is closed: it would count a second time. */
  @Test
  void whatWasLateIsLateAlsoAfterTheLatenessWasRaised() throws Exception {
    start(1, null);
    accept("a", 0, 1, 1_000);
    watermark(20_000);
    for (int restart = 0; restart < 2; restart++) {
      lateness = 60_000;
      start(1, snapshot()[0]);
      results.clear();
      accept("a", 0, 1, 1_000);
      accept("restart " + restart, 0, 2, 16_000);
      watermark(30_000);
      accept("a", 0, 1, 15_999);
      assertEquals(
          List.of(
              "late bid a 1 7 d", "matched bid restart " + restart + " 2 7 d", "late bid a 1 7 d"),
          results);
    }
  }

  @Test
  void whatFollowsADrainedSavepointIsLateByTheWatermarkBeforeIt() throws Exception {
    start(1, null);
    accept("a", 0, 1, 1_000);
    watermark(20_000);
    watermark(Long.MAX_VALUE);
    start(1, snapshot()[0]);
    results.clear();
    accept("a", 0, 1, 1_000);
    accept("b", 0, 2, 16_000);
    watermark(40_000);
    assertEquals(List.of("late bid a 1 7 d", "matched bid b 2 7 d", "closed b - 7 d"), results);
  }

  @Test
  void theWatermarkNeverGoesBack() throws Exception {
    start(1, null);
    watermark(20_000);
    start(1, snapshot()[0]);
    watermark(10_000);
    assertEquals(new Watermark(20_000), subtasks.get(0).getOutput().poll());
  }

  /** Else a bucket would be complete and final before all of it was counted. */
  @Test
  void countsThatAreKeptHoldTheWatermarkBack() throws Exception {
    count = new CountSpec(COLUMNS.indexOf("price"), COLUMNS.indexOf("at"), 4, 0, 60);
    start(1, null);
    watermark(500);
    accept("a", 0, 1, 1_000);
    watermark(1_000);
    accept("b", 0, 2, 2_000);
    watermark(60_000);
    assertEquals(List.of(), counts());
    subtasks.get(0).setProcessingTime(10_000);
    assertEquals(List.of("counts, watermarks before them: 1"), counts());
    assertEquals(List.of(500L, 60_000L), watermarks());
    accept("c", 0, 3, 61_000);
    watermark(62_000);
    snapshot();
    assertEquals(List.of(500L, 60_000L, 62_000L), watermarks());
  }

  private List<String> counts() {
    return results.stream().filter(result -> result.startsWith("counts")).toList();
  }

  private List<Long> watermarks() {
    return subtasks.get(0).getOutput().stream()
        .filter(Watermark.class::isInstance)
        .map(mark -> ((Watermark) mark).getTimestamp())
        .toList();
  }

  @Test
  void aStageMayBeAddedBehindTheOthers() throws Exception {
    start(1, null);
    accept("a", 1, 1, 1_000);
    stages = List.of("bid", "imp", "click", "sale");
    start(1, snapshot()[0]);
    accept("a", 0, 2, 1_000);
    assertEquals(List.of("matched bid a 2 7 d", "matched imp a 1 7 d"), results);
  }

  @Test
  void stagesThatAreInsertedReorderedOrRemovedAreRefusedWithWhatToDo() throws Exception {
    start(1, null);
    accept("a", 1, 1, 1_000);
    OperatorSubtaskState state = snapshot()[0];
    for (List<String> other :
        List.of(
            List.of("bid", "view", "imp", "click"),
            List.of("bid", "click", "imp"),
            List.of("bid", "imp"))) {
      stages = other;
      Exception refused = assertThrows(IllegalStateException.class, () -> start(1, state));
      assertEquals(
          ("test: the state was written with the stages [bid, imp, click], and this version has %s."
                  + " New stages can only follow the earlier ones: put the earlier stages first, in"
                  + " their order, or start without the state.")
              .formatted(other),
          refused.getMessage());
    }
  }

  /** A fixture was written by each version of the layout; all must stay readable. */
  @ParameterizedTest
  @ValueSource(strings = {"correlate-state-v1", "correlate-state-v2", "correlate-state-v3"})
  void theStateOfEachVersionIsReadAlsoWithOtherColumns(String fixture) throws Exception {
    columns = List.of("added", "price", "key", "at", "id", "domain");
    start(1, OperatorSnapshotUtil.readStateHandle(FIXTURES.resolve(fixture).toString()));
    accept("open", 1, 11, 10_500);
    accept("waits", 0, 12, 10_500);
    accept("closed", 0, 13, 1_000);
    assertEquals(
        List.of(
            "matched imp open 11 7 d",
            "matched bid waits 12 7 d",
            "matched imp waits 2 7 d",
            "late bid closed 13 7 d"),
        results);
  }

  /** What the fixture has; run by hand to write it, once for each version of the layout. */
  private OperatorSubtaskState fixture() throws Exception {
    start(1, null);
    accept("closed", 0, 0, 1_000);
    watermark(12_000);
    accept("open", 0, 1, 10_000);
    accept("waits", 1, 2, 10_000);
    return snapshot()[0];
  }

  public static void main(String[] arguments) throws Exception {
    OperatorSubtaskState state = new CorrelateOperatorTest().fixture();
    OperatorSnapshotUtil.writeStateHandle(state, FIXTURES.resolve("correlate-state-v3").toString());
  }

  @Test
  void theStateOfANewerVersionIsRefusedWithWhatToDo() throws Exception {
    byte[] header = Header.of(layout(), 0, 0).write();
    header[3] = 99;
    Exception refused = assertThrows(java.io.IOException.class, () -> Header.read(header));
    assertTrue(refused.getMessage().contains("layout 99; this version reads 1 to 3."));
  }

  // --- memory and metrics -----------------------------------------------------------------------

  @Test
  void whereTheIndexDoesNotFitIsASentenceAndNoOutOfMemoryError() throws Exception {
    heapShare = 200_000.0 / Runtime.getRuntime().maxMemory();
    start(1, null);
    Exception refused = assertThrows(IllegalStateException.class, () -> openKeys(1_000_000));
    assertEquals(
        "test: the index of the open keys needs 0 MiB, and this subtask's share of the heap is"
            + " 0 MiB. Raise the parallelism, lower the parallelism per KPU (the subtasks that"
            + " share a task manager), or shorten the window or the lateness.",
        refused.getMessage());
  }

  @Test
  void subtasksThatShareATaskManagerShareItsHeap() throws Exception {
    double share = 400_000.0 / Runtime.getRuntime().maxMemory();
    long alone = keysThatFit(share, 1);
    assertEquals(alone, keysThatFit(share * 4, 4));
    assertTrue(keysThatFit(share, 4) < alone);
  }

  private long keysThatFit(double share, int of) throws Exception {
    heapShare = share;
    slots = of;
    metrics.clear();
    start(1, null);
    assertThrows(IllegalStateException.class, () -> openKeys(1_000_000));
    return (Long) metric("openKeys");
  }

  private void openKeys(int most) throws Exception {
    for (int key = 0; key < most; key++) {
      accept("key " + key, 0, key, 1_000);
    }
  }

  @Test
  void itsMetricsAreInThePublishedGroupAndSayWhatIs() throws Exception {
    start(1, null);
    subtasks.get(0).setProcessingTime(25_000);
    assertEquals(0L, metric("watermarkLagMillis"));
    accept("a", 0, 1, 10_000);
    accept("b", 1, 2, 10_000);
    accept("a", 0, 3, 10_001);
    watermark(20_000);
    accept("c", 0, 4, 1_000);
    accept("d", Join.MALFORMED, 5, 20_000);
    assertEquals(5_000L, metric("watermarkLagMillis"));
    assertEquals(List.of(2L, 1L, 1L, 0L, 1L), values());
    long dirty = (Long) metric("dirtyBytes");
    long kept = (Long) metric("keptBytes");
    assertTrue(0 < dirty && dirty < kept, dirty + " of " + kept);
    snapshot();
    assertEquals(0L, metric("dirtyBytes"));
    assertTrue((Long) metric("keptBytes") > kept - dirty, "what is written back stays readable");
    watermark(40_000);
    assertEquals(List.of(0L, 1L, 1L, 1L, 1L), values());
    assertEquals(kept - dirty, metric("keptBytes"));
  }

  private List<Object> values() {
    return Stream.of("openKeys", "duplicate", "late", "unmatched", "malformed")
        .map(this::metric)
        .toList();
  }

  private Object metric(String name) {
    List<Metric> found =
        metrics.entrySet().stream()
            .filter(e -> e.getKey().endsWith(PUBLISHED + "Correlation.test." + name))
            .map(Map.Entry::getValue)
            .toList();
    assertEquals(1, found.size(), () -> name + " in " + metrics.keySet());
    return found.get(0) instanceof Counter counter
        ? counter.getCount()
        : ((Gauge<?>) found.get(0)).getValue();
  }

  // --- the ledger -------------------------------------------------------------------------------

  /** Each record that was read has one outcome in its own minute, whenever that was decided. */
  @Test
  void theLedgerBalancesForEachMinuteAtAnyParallelism() throws Exception {
    stamped();
    start(1, null);
    accept("a", 0, 1, 1_000);
    accept("a", 1, 2, 2_000);
    accept("b", 1, 61, 3_000);
    accept("c", Join.MALFORMED, 62, 3_000);
    start(3, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
    accept("a", 1, 3, 2_500);
    watermark(40_000);
    accept("d", 0, 63, 4_000);
    watermark(Long.MAX_VALUE);
    drained();
    assertEquals(
        Map.of(
            "minute 0 read", 3L,
            "minute 0 counted", 2L,
            "minute 0 duplicate", 1L,
            "minute 60 read", 3L,
            "minute 60 unmatched", 1L,
            "minute 60 malformed", 1L,
            "minute 60 late", 1L),
        ledger);
  }

  /** The platform's own copy is distinguished from the sender's, after a restart too. */
  @Test
  void aRecordThatIsStoredTwiceIsRedelivered() throws Exception {
    stamped();
    start(2, null);
    accept("a", 0, 1, 1_000);
    accept("b", 1, 2, 1_000);
    accept("c", Join.MALFORMED, 3, 1_000);
    start(1, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
    accept("a", 0, 1, 1_000);
    accept("b", 1, 2, 1_000);
    accept("c", Join.MALFORMED, 3, 1_000);
    accept("a", 0, 4, 1_000);
    accept("a", 0, 4, 1_000);
    watermark(Long.MAX_VALUE);
    drained();
    assertEquals(
        Map.of(
            "minute 0 read", 8L,
            "minute 0 counted", 1L,
            "minute 0 unmatched", 1L,
            "minute 0 malformed", 1L,
            "minute 0 duplicate", 1L,
            "minute 0 redelivered", 4L),
        ledger);
  }

  @Test
  void aRecordThatDidNotComeThroughTheDoorIsNotInTheLedger() throws Exception {
    stamped();
    start(1, null);
    accept("a", 0, -1, 1_000);
    watermark(Long.MAX_VALUE);
    drained();
    assertEquals(Map.of(), ledger);
  }

  private void stamped() {
    columns = List.of("key", "id", "domain", "at", "price", "received", "data");
    stamp = new Stamp(5, 6);
  }

  private void drained() throws Exception {
    snapshot();
    ledger.values().removeIf(number -> number == 0);
  }

  // --- running ----------------------------------------------------------------------------------

  private void start(int parallelism, OperatorSubtaskState state) throws Exception {
    int before = subtasks.size();
    List<Harness> started = new ArrayList<>();
    for (int subtask = 0; subtask < parallelism; subtask++) {
      Harness harness = new Harness(new Noted(), environment(parallelism, subtask));
      harness.setup();
      if (state != null) {
        harness.initializeState(
            AbstractStreamOperatorTestHarness.repartitionOperatorState(
                state, MAX_PARALLELISM, Math.max(1, before), parallelism, subtask));
      }
      harness.open();
      started.add(harness);
    }
    subtasks = started;
  }

  private MockEnvironment environment(int parallelism, int subtask) {
    Configuration taskManager = new Configuration();
    taskManager.set(TaskManagerOptions.NUM_TASK_SLOTS, slots);
    MetricRegistry registry =
        TestingMetricRegistry.builder()
            .setRegisterConsumer((m, name, group) -> register(m, group.getMetricIdentifier(name)))
            .build();
    return new MockEnvironmentBuilder()
        .setTaskName("test")
        .setManagedMemorySize(1 << 22)
        .setMaxParallelism(MAX_PARALLELISM)
        .setParallelism(parallelism)
        .setSubtaskIndex(subtask)
        .setTaskManagerRuntimeInfo(new TestingTaskManagerRuntimeInfo(taskManager))
        .setMetricGroup(
            TaskManagerMetricGroup.createTaskManagerMetricGroup(
                    registry, "host", ResourceID.generate())
                .addJob(new JobID(), "job")
                .addTask(ExecutionGraphTestUtils.createExecutionAttemptId(), "task"))
        .build();
  }

  private void register(Metric metric, String path) {
    if (path.contains(PUBLISHED)) {
      metrics.put(path, metric);
    }
  }

  private OperatorSubtaskState[] snapshot() throws Exception {
    List<OperatorSubtaskState> states = new ArrayList<>();
    for (Harness each : subtasks) {
      each.prepareSnapshotPreBarrier(1);
      states.add(each.snapshot(1, 1));
    }
    return states.toArray(OperatorSubtaskState[]::new);
  }

  private void watermark(long time) throws Exception {
    for (Harness each : subtasks) {
      each.processWatermark(time);
    }
  }

  private void accept(String key, int stage, long id, long time) throws Exception {
    GenericRowData row = new GenericRowData(columns.size());
    for (int column = 0; column < columns.size(); column++) {
      row.setField(column, value(columns.get(column), key, stage, id, time));
    }
    int[] source = java.util.stream.IntStream.range(0, columns.size()).toArray();
    LogicalTypeRoot[] types = layout().types().toArray(LogicalTypeRoot[]::new);
    RowPacker packer = new RowPacker(types, columns.indexOf("key"), columns.indexOf("at"), -1);
    Packed packed = packer.pack(row, source, stage, 0);
    int group = StateChunks.group(packed.partition(), MAX_PARALLELISM);
    subtasks
        .get(group * subtasks.size() / MAX_PARALLELISM)
        .processElement(new StreamRecord<>(packed));
  }

  private static Object value(String column, String key, int stage, long id, long time) {
    return switch (column) {
      case "key" -> StringData.fromString(key);
      case "id" -> id;
      case "at" -> TimestampData.fromEpochMillis(time);
      case "price" -> stage == 0 ? 7L : null;
      case "domain" -> stage == 0 ? StringData.fromString("d") : null;
      case "received" -> TimestampData.fromEpochMillis(id * 1_000);
      case "data" -> (id < 0 ? "{}" : "{\"receipt\":" + id + "}\n").getBytes(UTF_8);
      default -> null;
    };
  }

  private String text(OutcomeRow row) {
    int stage = -1;
    for (int each = 0; each < STAGES.size(); each++) {
      stage = row.isNullAt(columns.size() + 2 + each) ? stage : each;
    }
    String of = row.outcome() == Outcome.MATCHED ? " " + STAGES.get(stage) : "";
    if (row.outcome() != Outcome.MATCHED && row.outcome() != Outcome.CLOSED) {
      of = row.isNullAt(columns.indexOf("price")) ? "" : " bid";
    }
    return row.outcome().label()
        + of
        + " "
        + row.getString(columns.indexOf("key"))
        + " "
        + (row.isNullAt(columns.indexOf("id")) ? "-" : row.getLong(columns.indexOf("id")))
        + (row.isNullAt(columns.indexOf("price"))
            ? ""
            : " " + row.getLong(columns.indexOf("price")))
        + (row.isNullAt(columns.indexOf("domain"))
            ? ""
            : " " + row.getString(columns.indexOf("domain")));
  }

  private Layout layout() {
    List<LogicalTypeRoot> types = columns.stream().map(c -> type(c).getTypeRoot()).toList();
    long own = 1L << columns.indexOf("id") | 1L << columns.indexOf("at");
    return new Layout("test", columns, types, columns.indexOf("key"), own, stages, 8_000, lateness);
  }

  private static LogicalType type(String column) {
    return switch (column) {
      case "id", "price" -> DataTypes.BIGINT().getLogicalType();
      case "at", "received" -> DataTypes.TIMESTAMP_LTZ(3).getLogicalType();
      case "data" -> DataTypes.BYTES().getLogicalType();
      default -> DataTypes.STRING().getLogicalType();
    };
  }

  private Reasons reasons() {
    return new Reasons(layout(), Map.of(), new String[] {"/price must be at least 0"});
  }

  private Ports ports() {
    Ports ports = new Ports("test");
    List<String> names =
        new ArrayList<>(List.of("matched", "closed", "refused", "counts", Ledger.PORT));
    stages.forEach(stage -> names.add("matched:" + stage));
    names.forEach(port -> ports.add(port, List.of("x"), List.of(type("id"))));
    return ports;
  }
}
