package sdp.decisions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.groups.OperatorMetricGroup;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.util.OutputTag;
import org.junit.jupiter.api.Test;
import sdp.decisions.History.Arrival;
import sdp.definitions.Version;
import sdp.keyed.Packed;
import sdp.keyed.Ports;
import sdp.keyed.RowPacker;
import sdp.keyed.StateChunks;
import sdp.kinesis.stream.Measured;
import sdp.ledger.Book;
import sdp.ledger.Counted;
import sdp.ledger.Ledger;
import sdp.ledger.Refusal;
import sdp.scores.FileModels;

/** The operator in Flink's state: checkpoints, other parallelism, two watermarks. */
class DecisionsOperatorTest {
  private static final int MAX_PARALLELISM = 128;
  private static final int[] SOURCE = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  private static final LogicalTypeRoot[] TYPES = Book.types(Run.TYPES);
  private static final long RECEIVED = 1_200_000;

  private final List<String> results = new ArrayList<>();
  private final Book book = new Book();
  private final Measured measured = new Measured();
  private List<Harness> subtasks = List.of();
  private List<DecisionsOperator> operators = List.of();

  private static final class Harness
      extends KeyedTwoInputStreamOperatorTestHarness<Integer, Packed, byte[], RowData> {
    Harness(DecisionsOperator operator, int parallelism, int subtask) throws Exception {
      super(
          operator,
          Packed::partition,
          bytes -> 0,
          Types.INT,
          MAX_PARALLELISM,
          parallelism,
          subtask);
    }
  }

  /** The operator, whose results are noted. */
  private final class Noted extends DecisionsOperator {
    private static final long serialVersionUID = 1L;

    Noted(boolean bounded) {
      super("test", Run.LAYOUT, 0.5, FileModels::new, bounded, 0.1, Book.stamp(Run.TYPES), ports());
    }

    @Override
    public OperatorMetricGroup getMetricGroup() {
      return (OperatorMetricGroup)
          Proxy.newProxyInstance(
              OperatorMetricGroup.class.getClassLoader(),
              new Class<?>[] {OperatorMetricGroup.class},
              (proxy, method, arguments) -> method.invoke(measured, arguments));
    }

    @Override
    protected void emit(OutputTag<RowData> port, RowData row) {
      if (port.getId().equals(Ledger.PORT)) {
        book.add(row);
      }
      super.emit(port, row);
    }

    @Override
    public void decided(
        long time, Map<String, Object> event, Map<String, Object> profile, Decision decision) {
      super.decided(time, event, profile, decision);
      results.add(Run.words(event, profile, decision));
    }

    @Override
    public void refused(Refusal refusal, Packed packed, String why) {
      super.refused(refusal, packed, why);
      results.add(refusal.label());
    }
  }

  @Test
  void anyParallelismGoesOnWithWhatAnotherLeft() throws Exception {
    List<String> uninterrupted = run(1);
    for (String part : List.of("=true", "=false", "=error", "/", "late")) {
      assertTrue(uninterrupted.stream().anyMatch(r -> r.contains(part)), part);
    }
    assertTrue(uninterrupted.stream().anyMatch(r -> r.matches(".* r\\d+f\\d+=.*")), "a feature");
    assertEquals(uninterrupted, run(1, 2, 1, 3));
  }

  private List<String> run(int... parallelisms) throws Exception {
    results.clear();
    Random random = new Random(6);
    List<Version> versions = new ArrayList<>();
    for (int number = 0; number < 40; number++) {
      versions.add(MadeUp.version(random, number, random.nextInt(900)));
    }
    start(parallelisms[0], false, null);
    define(versions, 10_000);
    for (int part = 0; part < 4; part++) {
      if (part > 0 && part < parallelisms.length) {
        var state = AbstractStreamOperatorTestHarness.repackageState(snapshot());
        start(parallelisms[part], false, state);
        define(versions, 10_000);
      }
      for (int number = 0; number < 500; number++) {
        long time = part * 200L + random.nextInt(240) - (part == 0 ? 0 : 5);
        boolean isProfile = random.nextInt(3) == 0 && time > part * 200L;
        String id = part + "-" + number;
        String key = "key " + random.nextInt(40);
        accept(new Arrival(id, key, time, isProfile, random.nextInt(10), 0, 0));
      }
      watermark(part * 200L + 200);
    }
    watermark(9_999);
    return results.stream().sorted().toList();
  }

  @Test
  void nothingIsDecidedBeforeTheDefinitionsHaveBeenReadAgain() throws Exception {
    start(1, false, null);
    define(List.of(Checked.rule("r0", 1, 0, "true")), 1_000);
    accept(event("first", 100));
    watermark(1_000);
    accept(event("second", 1_100));
    start(2, false, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
    watermark(5_000);
    assertEquals(List.of("first - r01=true -> passed"), results);
    define(List.of(Checked.rule("r0", 1, 0, "true"), Checked.rule("r0", 2, 1_100, "false")), 5_000);
    assertEquals(List.of("first - r01=true -> passed", "second - r02=false -> -"), results);
  }

  /** A source that had ended is not started again, so it cannot send its definitions again. */
  @Test
  void definitionsThatHaveEndedAreKept() throws Exception {
    start(3, true, null);
    define(List.of(Checked.rule("r0", 1, 0, "true")), Long.MAX_VALUE);
    accept(event("e", 100));
    start(2, true, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
    define(List.of(), Long.MAX_VALUE);
    watermark(1_000);
    assertEquals(List.of("e - r01=true -> passed"), results);
  }

  @Test
  void whatWasLateBeforeARestartIsLateAfterIt() throws Exception {
    start(2, false, null);
    define(List.of(), 20_000);
    watermark(20_000);
    start(3, false, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
    accept(event("x", 19_999));
    accept(event("y", 20_000));
    assertEquals(List.of("late"), results);
  }

  @Test
  void theWatermarkNeverGoesBack() throws Exception {
    start(1, false, null);
    define(List.of(), 20_000);
    watermark(20_000);
    start(1, false, snapshot()[0]);
    define(List.of(), 10_000);
    watermark(10_000);
    assertEquals(new Watermark(20_000 - Deciding.STEP), subtasks.get(0).getOutput().poll());
  }

  @Test
  void howLongAfterItsTimeAnEventIsDecidedIsMeasured() throws Exception {
    start(1, false, null);
    subtasks.get(0).setProcessingTime(25_000);
    define(List.of(Checked.rule("r0", 1, 0, "true")), 20_000);
    accept(event("e", 100));
    watermark(20_000);
    assertEquals(List.of("e - r01=true -> passed"), results);
    assertEquals(24_900, operators.get(0).behind().percentile(99));
  }

  @Test
  void whatRulesSayIsCountedAndHowManyEventsNoLiveRuleIsAbout() throws Exception {
    start(1, false, null);
    Version shadow = Checked.shadow(Checked.rule("s", 1, 200, "true"));
    Version passing = Checked.rule("r", 3, 500, "true");
    define(
        List.of(
            shadow,
            Checked.ended(shadow, 2, 300),
            Checked.rule("r", 1, 300, "false"),
            Checked.rule("r", 2, 400, "profile.age > 1"),
            passing,
            Checked.ended(passing, 4, 600)),
        1_000);
    for (long time = 150; time < 700; time += 100) {
      accept(event("e" + time, time));
    }
    watermark(1_000);
    assertEquals(6, results.size());
    Map<String, Long> expected =
        Map.of(
            "passed", 1L,
            "stopped", 5L,
            "withoutRule", 3L, // before any, with a shadow alone, and after the end
            "rulesTrue", 2L,
            "rulesFalse", 1L,
            "rulesFailed", 1L,
            "withoutProfile", 6L,
            "passedWithoutAction", 1L);
    expected.forEach(
        (name, count) ->
            assertEquals(count, measured.value("kinesisanalytics.Decisions.test." + name), name));
  }

  @Test
  void whatIsNoLongerAFieldIsLeftOutAndANewOneIsAbsent() throws Exception {
    RowPacker packer = new RowPacker(Run.TYPES, 0, 2, -1);
    Arrival profile = new Arrival("p", "a", 1, true, 7, 0, 0);
    var out = new org.apache.flink.core.memory.DataOutputSerializer(64);
    Run.LAYOUT.profile().write(Run.packed(packer, profile), out);
    Fields other =
        new Fields(
            List.of(
                new Fields.Field("customer_id", 2, Run.TYPES[6]),
                new Fields.Field("added", 3, Run.TYPES[5])));
    assertEquals(
        Map.of("customer_id", "customer of a"), other.read(out.getCopyOfBuffer(), 0, out.length()));
  }

  @Test
  void theStateOfANewerVersionIsRefusedWithWhatToDo() throws Exception {
    start(1, false, null);
    byte[] header = {0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0};
    Exception refused =
        assertThrows(IOException.class, () -> operators.get(0).restore(List.of(header)));
    assertTrue(refused.getMessage().contains("layout 99; this version reads 1."));
  }

  // --- the ledger -------------------------------------------------------------------------------

  /** Business events are of the platform: they have no receipt. */
  @Test
  void profilesHaveOneOutcomeAndAreKnownAgainAfterARestart() throws Exception {
    start(2, false, null);
    define(List.of(), 20_000);
    watermark(20_000);
    for (int copy = 0; copy < 2; copy++) {
      accept(profile("p", 20_000), 1);
      accept(profile("late", 10_000), 2);
      accept(profile("p", 20_000), 3);
      accept(event("e" + copy, 20_000));
      start(1, false, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
    }
    assertEquals(
        Map.of(
            Counted.READ, 6L,
            Counted.COUNTED, 1L,
            Counted.LATE, 1L,
            Counted.DUPLICATE, 1L,
            Counted.REDELIVERED, 3L),
        book.minute(RECEIVED));
  }

  /** Late, repeated or in time: it is the first key's to say. */
  @Test
  void aProfileUnderItsSecondKeyHasNoOutcomeOfItsOwn() throws Exception {
    start(1, false, null);
    define(List.of(), 20_000);
    watermark(20_000);
    RowPacker packer = new RowPacker(TYPES, 0, 2, TYPES.length - 1);
    int[] withoutReceipt = {0, 1, 2, 3, 4, 5, 6, -1, -1};
    for (long time : new long[] {10_000, 10_000, 20_000, 20_000}) {
      RowData row = Book.stamped(Run.row(profile("p" + time, time)), RECEIVED, 1);
      accept(packer.pack(row, withoutReceipt, Layout.COPY, 0));
    }
    accept(event("e", 20_001));
    define(List.of(), 21_000);
    watermark(21_000);
    snapshot();
    assertEquals(List.of("e p20000 -> -"), results);
    assertEquals(Map.of(), book.open());
  }

  private static Arrival profile(String id, long time) {
    return new Arrival(id, "a", time, true, 1, 0, 0);
  }

  private void accept(Arrival profile, long receipt) throws Exception {
    RowPacker packer = new RowPacker(TYPES, 0, 2, TYPES.length - 1);
    RowData row = Book.stamped(Run.row(profile), RECEIVED, receipt);
    accept(packer.pack(row, SOURCE, Run.kind(profile), 0));
  }

  // --- running ----------------------------------------------------------------------------------

  private static Arrival event(String id, long time) {
    return new Arrival(id, "a", time, false, 1, 0, 0);
  }

  private void start(int parallelism, boolean bounded, OperatorSubtaskState state)
      throws Exception {
    int before = subtasks.size();
    List<Harness> started = new ArrayList<>();
    operators =
        Stream.generate(() -> (DecisionsOperator) new Noted(bounded)).limit(parallelism).toList();
    for (int subtask = 0; subtask < parallelism; subtask++) {
      Harness harness = new Harness(operators.get(subtask), parallelism, subtask);
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

  private OperatorSubtaskState[] snapshot() throws Exception {
    List<OperatorSubtaskState> states = new ArrayList<>();
    for (Harness each : subtasks) {
      each.prepareSnapshotPreBarrier(1);
      states.add(each.snapshot(1, 1));
    }
    return states.toArray(OperatorSubtaskState[]::new);
  }

  private void define(List<Version> versions, long instant) throws Exception {
    for (Harness each : subtasks) {
      for (Version version : versions) {
        each.processElement2(new StreamRecord<>(version.toBytes()));
      }
      each.processWatermark2(new Watermark(instant));
    }
  }

  private void watermark(long time) throws Exception {
    for (Harness each : subtasks) {
      each.processWatermark1(new Watermark(time));
    }
  }

  private void accept(Arrival arrival) throws Exception {
    accept(Run.packed(new RowPacker(Run.TYPES, 0, 2, -1), arrival));
  }

  private void accept(Packed packed) throws Exception {
    int group = StateChunks.group(packed.partition(), MAX_PARALLELISM);
    subtasks
        .get(group * subtasks.size() / MAX_PARALLELISM)
        .processElement1(new StreamRecord<>(packed));
  }

  private static Ports ports() {
    Ports ports = new Ports("test");
    ports.add(DecisionsCall.DECISIONS, Rows.DECISION, Rows.DECISION_TYPES);
    Rows.addActions(ports, DecisionsCall.ACTIONS, Inputs.of(Run.LAYOUT));
    LogicalType text = DataTypes.STRING().getLogicalType();
    LogicalType number = DataTypes.DOUBLE().getLogicalType();
    LogicalType whole = DataTypes.BIGINT().getLogicalType();
    LogicalType time = DataTypes.TIMESTAMP_LTZ(3).getLogicalType();
    ports.add(
        DecisionsCall.REFUSED,
        List.of("key", "id", "at", "kind", "value", "age", "customer_id", "outcome", "detail"),
        List.of(text, text, time, text, number, whole, text, text, text));
    Ledger.add(ports);
    return ports;
  }
}
