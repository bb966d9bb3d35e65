package sdp.series;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.flink.api.common.typeinfo.Types;
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
import sdp.definitions.Version;
import sdp.keyed.Packed;
import sdp.keyed.Ports;
import sdp.keyed.RefusedRow;
import sdp.keyed.RowPacker;
import sdp.keyed.StateChunks;
import sdp.ledger.Book;
import sdp.ledger.Counted;
import sdp.ledger.Ledger;
import sdp.ledger.Refusal;

/** The operator in Flink's state: checkpoints, other parallelism, what is late after a restart. */
class SeriesOperatorTest {
  private static final int MAX_PARALLELISM = 128;
  private static final long RECEIVED = 1_200_000;
  private static final int[] SOURCE = {0, 1, 2, 3, 4, 5, 6};
  private static final LogicalTypeRoot[] TYPES = Book.types(Run.TYPES);

  private final List<String> results = new ArrayList<>();
  private final Book book = new Book();
  private SeriesJoin.Limits limits = new SeriesJoin.Limits(20, 40, 40, 100, 1_000);
  private boolean bounded = true;
  private long receipt = 1_000_000;
  private List<Harness> subtasks = List.of();
  private List<SeriesOperator> operators = List.of();

  private static final class Harness
      extends KeyedTwoInputStreamOperatorTestHarness<Integer, Packed, byte[], RowData> {
    Harness(SeriesOperator operator, int parallelism, int subtask) throws Exception {
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
  private final class Noted extends SeriesOperator {
    private static final long serialVersionUID = 1L;

    Noted() {
      super(
          "test",
          Run.COLUMNS,
          limits,
          new First(Run.JOIN, "r", "s"),
          bounded,
          0.1,
          TYPES,
          Book.stamp(Run.TYPES),
          ports());
    }

    @Override
    protected void emit(OutputTag<RowData> port, RowData row) {
      if (port.getId().equals(Ledger.PORT)) {
        book.add(row);
      }
      super.emit(port, row);
    }

    @Override
    public void pair(JoinVersion join, byte[] key, Pair pair, Status status) {
      super.pair(join, key, pair, status);
      results.add(Oracle.pair(status.label(), Run.named(join, key), pair));
    }

    @Override
    public void lasted(JoinVersion join, byte[] key, Pair pair, long lasting) {
      super.lasted(join, key, pair, lasting);
      results.add(Oracle.lasted(Run.named(join, key), pair, lasting));
    }

    @Override
    public void refused(Refusal refusal, byte[] record, int at, String why) {
      super.refused(refusal, record, at, why);
      results.add(
          Run.refused(RefusedRow.of(Run.TYPES, record, at + Packed.BLOCK, refusal.label(), why)));
    }
  }

  @Test
  void anyParallelismGoesOnWithWhatAnotherLeft() throws Exception {
    List<Arrival> arrivals = new ArrayList<>();
    List<String> uninterrupted = run(arrivals, 1);
    assertEquals(Oracle.expected(limits, arrivals), uninterrupted);
    for (String outcome : List.of("final", "lasted", "late", "duplicate")) {
      assertTrue(uninterrupted.stream().anyMatch(r -> r.startsWith(outcome)), outcome);
    }
    assertEquals(uninterrupted, run(new ArrayList<>(), 1, 2, 1, 3));
  }

  private List<String> run(List<Arrival> arrivals, int... parallelisms) throws Exception {
    results.clear();
    book.clear();
    int copies = 0;
    Random random = new Random(5);
    start(parallelisms[0], null);
    long watermark = Run.NONE;
    for (int part = 0; part < 4; part++) {
      if (part > 0 && part < parallelisms.length) {
        start(parallelisms[part], AbstractStreamOperatorTestHarness.repackageState(snapshot()));
      }
      for (int number = 0; number < 1_000; number++) {
        long time = part * 200L + number / 5 + random.nextInt(60) - 30;
        String key = "key " + random.nextInt(20);
        int side = random.nextInt(2);
        double value = random.nextInt(5);
        Arrival arrival = new Arrival("e" + number, key, side, time, value, watermark);
        arrivals.add(arrival);
        accept(arrival, RECEIVED + part * 30_000, arrivals.size());
        if (random.nextInt(20) == 0) {
          copies++;
          accept(arrival, RECEIVED + part * 30_000, arrivals.size());
          arrivals.add(arrival);
        }
      }
      watermark = part * 200L + 150;
      watermark(watermark);
    }
    watermark(Long.MAX_VALUE);
    assertEquals(0, operators.stream().mapToLong(SeriesOperator::openKeys).sum());
    snapshot();
    assertEquals(Map.of(), book.open());
    assertEquals(arrivals.size(), book.sum(Counted.READ));
    assertEquals(copies, book.sum(Counted.REDELIVERED));
    long late = results.stream().filter(each -> each.startsWith("late")).count();
    long repeated = results.stream().filter(each -> each.startsWith("duplicate")).count();
    assertEquals(late + repeated - copies, book.sum(Counted.LATE) + book.sum(Counted.DUPLICATE));
    assertEquals(arrivals.size() - late - repeated, book.sum(Counted.COUNTED));
    return results.stream().filter(each -> !isOpen(each)).sorted().toList();
  }

  private static boolean isOpen(String result) {
    return result.startsWith("provisional") || result.startsWith("withdrawn");
  }

  @Test
  void whatWasLateBeforeARestartIsLateAfterIt() throws Exception {
    start(2, null);
    watermark(20_000);
    start(3, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
    accept(Arrival.r("a", 18_999));
    accept(Arrival.r("a", 19_000));
    assertEquals(List.of("late a r18999 at 18999 of 18999.0"), results);
  }

  /** Up to the watermark that leaves, all final pairs have left. */
  @Test
  void theWatermarkIsBehindThePairsAndNeverGoesBack() throws Exception {
    start(1, null);
    watermark(20_000);
    start(1, snapshot()[0]);
    watermark(10_000);
    long behind = limits.finalAfter() + 2 * limits.distance() + SeriesJoin.STEP;
    assertEquals(new Watermark(20_000 - behind), subtasks.get(0).getOutput().poll());
  }

  /** The watermark that leaves depends on it. */
  @Test
  void aPairIsFinalAfterFinalAfterEvenIfTheMaximalLatencyIsLonger() throws Exception {
    limits = new SeriesJoin.Limits(20, 40, 40, 100_000, 1_000);
    start(1, null);
    accept(Arrival.r("a", 100));
    accept(Arrival.s("a", 110));
    watermark(1_110 + SeriesJoin.STEP + 1);
    assertTrue(results.contains("final a r100 100.0 s110 -110.0"), results::toString);
  }

  /** What is stored is due by the old limits, and is needed by the new ones. */
  @Test
  void theLimitsChangeWhileSamplesWait() throws Exception {
    start(1, null);
    watermark(900);
    accept(Arrival.s("a", 1_000));
    accept(Arrival.r("a", 1_001));
    limits = new SeriesJoin.Limits(100_000, 1_000, 1_000, 100_000, 100_000);
    start(1, snapshot()[0]);
    watermark(90_000);
    assertEquals(List.of(), results);
    accept(Arrival.s("a", 999));
    watermark(200_000);
    assertEquals(
        List.of("final a r1001 1001.0 s1000 -1000.0", "final a r1001 1001.0 s999 -999.0"),
        results.stream().filter(each -> each.startsWith("final")).sorted().toList());
    watermark(400_000);
    assertEquals(0, operators.get(0).openKeys());
  }

  @Test
  void theStateOfANewerVersionIsRefusedWithWhatToDo() {
    byte[] header = {0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0};
    Exception refused = assertThrows(java.io.IOException.class, () -> SeriesOperator.read(header));
    assertTrue(refused.getMessage().contains("layout 99; this version reads 2."));
  }

  // --- the ledger -------------------------------------------------------------------------------

  /** It may still be replaced: by one of the same time with a smaller value. */
  @Test
  void aSampleHasNoOutcomeUntilItIsSettled() throws Exception {
    start(1, null);
    accept(Arrival.sample("a", Side.R, 1_000, 7), RECEIVED, 1);
    snapshot();
    assertEquals(Map.of(Counted.READ, 1L), book.minute(RECEIVED));
    start(2, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
    accept(Arrival.sample("a", Side.R, 1_000, 6), RECEIVED + 60_000, 2);
    snapshot();
    assertEquals(Map.of(Counted.READ, 1L, Counted.DUPLICATE, 1L), book.minute(RECEIVED));
    assertEquals(Map.of(Counted.READ, 1L), book.minute(RECEIVED + 60_000));
    watermark(3_000);
    snapshot();
    assertEquals(Map.of(Counted.READ, 1L, Counted.COUNTED, 1L), book.minute(RECEIVED + 60_000));
  }

  @Test
  void aCopyOfAReplacedLateOrKeylessSampleIsRedelivered() throws Exception {
    start(1, null);
    watermark(1_500);
    for (int copy = 0; copy < 2; copy++) {
      accept(Arrival.sample("a", Side.R, 1_000, 7), RECEIVED, 1);
      accept(Arrival.sample("a", Side.R, 1_000, 6), RECEIVED, 2);
      accept(Arrival.sample("a", Side.R, 100, 7), RECEIVED, 3);
      accept(Arrival.sample(null, Side.R, 1_000, 7), RECEIVED, 4);
      start(3, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
    }
    watermark(Long.MAX_VALUE);
    snapshot();
    assertEquals(
        Map.of(
            Counted.READ, 8L,
            Counted.COUNTED, 1L,
            Counted.DUPLICATE, 1L,
            Counted.LATE, 1L,
            Counted.FILTERED, 1L,
            Counted.REDELIVERED, 4L),
        book.minute(RECEIVED));
  }

  // --- definitions ------------------------------------------------------------------------------

  /** A sample that two joins take, or none, has one outcome; and so has each that is refused. */
  @Test
  void aSampleOfTwoJoinsIsCountedOnce() throws Exception {
    start(2, null);
    define(SeriesJoinsTest.version("heat", 1, 0, 0, 2, 10, false));
    accept(Arrival.sample("a", 0, 1_000, 7), RECEIVED, 1);
    accept(Arrival.sample("a", 0, 1_000, 6), RECEIVED, 2);
    accept(Arrival.sample("a", 1, 1_001, 1), RECEIVED, 3);
    accept(Arrival.sample("a", 2, 1_002, 1), RECEIVED, 4);
    accept(Arrival.sample("a", 3, 1_002, 1), RECEIVED, 5);
    watermark(5_000);
    accept(Arrival.sample("a", 0, 1_003, 1), RECEIVED, 6);
    start(1, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
    watermark(Long.MAX_VALUE);
    snapshot();
    assertEquals(
        Map.of(
            Counted.READ, 6L,
            Counted.COUNTED, 3L,
            Counted.DUPLICATE, 1L,
            Counted.LATE, 1L,
            Counted.FILTERED, 1L),
        book.minute(RECEIVED));
    assertEquals(
        List.of("final a r1000 6.0 s1001 1.0", "final heat-1/a r1000 6.0 s1002 1.0"),
        results.stream().filter(each -> each.startsWith("final")).sorted().toList());
    assertEquals(1, results.stream().filter(each -> each.startsWith("duplicate")).count());
    assertEquals(1, results.stream().filter(each -> each.startsWith("late")).count());
  }

  /** What waits is state, and is taken by what the definitions say after the restart. */
  @Test
  void whatWaitsForTheFrontierIsTakenAfterARestart() throws Exception {
    bounded = false;
    start(1, null);
    frontier(500);
    for (int number = 0; number < 50; number++) {
      accept(Arrival.r("k" + number, 1_000), RECEIVED, 2 * number);
      accept(Arrival.s("k" + number, 1_001), RECEIVED, 2 * number + 1);
    }
    watermark(5_000);
    start(3, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
    watermark(5_000);
    assertEquals(List.of(), results);
    define(SeriesJoinsTest.version(Run.JOIN, 1, 1_001, 0, 1, 10, false));
    define(SeriesJoinsTest.version("pair", 1, 900, 0, 1, 10, false));
    frontier(10_000);
    watermark(10_000);
    snapshot();
    assertEquals(50, results.stream().filter(each -> each.startsWith("final")).count());
    assertTrue(results.contains("final pair-1/k7 r1000 1000.0 s1001 -1001.0"), results::toString);
    assertEquals(Map.of(Counted.READ, 100L, Counted.COUNTED, 100L), book.minute(RECEIVED));
  }

  /** A bounded source is not started again after a restore. */
  @Test
  void definitionsThatEndAreStateAndOthersAreNot() throws Exception {
    for (boolean each : new boolean[] {true, false}) {
      results.clear();
      bounded = each;
      start(1, null);
      define(SeriesJoinsTest.version(Run.JOIN, 1, 0, 2, 3, 10, false));
      start(2, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
      frontier(Long.MAX_VALUE);
      accept(Arrival.sample("a", 2, 1_000, 1));
      accept(Arrival.sample("a", 3, 1_000, 1));
      watermark(Long.MAX_VALUE);
      assertEquals(bounded, results.contains("final power-1/a r1000 1.0 s1000 1.0"));
    }
  }

  /** What is paired further apart is final later. */
  @Test
  void theWatermarkThatLeavesIsBehindByWhatTheVersionsInForceNeed() throws Exception {
    start(1, null);
    define(SeriesJoinsTest.version(Run.JOIN, 1, 10_000, 0, 1, 3_000, false));
    long behind = limits.finalAfter() + SeriesJoin.STEP;
    for (long[] at : new long[][] {{9_000, 9_000 - behind - 40}, {14_000, 9_999}, {30_000, 0}}) {
      watermark(at[0]);
      long expected = at[1] == 0 ? at[0] - behind - 6_000 : at[1];
      assertEquals(new Watermark(expected), subtasks.get(0).getOutput().poll());
    }
  }

  @Test
  void aStateWhoseVersionIsNotDefinedIsRefused() throws Exception {
    bounded = false;
    start(1, null);
    define(SeriesJoinsTest.version("heat", 3, 0, 0, 2, 10, false));
    frontier(10_000);
    accept(Arrival.r("a", 1_000));
    start(1, snapshot()[0]);
    frontier(10_000);
    Exception refused = assertThrows(IllegalStateException.class, () -> watermark(9_000));
    assertTrue(refused.getMessage().contains("version 3 of join 'heat'"), refused.getMessage());
  }

  // --- running ----------------------------------------------------------------------------------

  private void start(int parallelism, OperatorSubtaskState state) throws Exception {
    int before = subtasks.size();
    List<Harness> started = new ArrayList<>();
    operators = Stream.generate(() -> (SeriesOperator) new Noted()).limit(parallelism).toList();
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
    if (bounded) {
      frontier(Long.MAX_VALUE);
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

  private void frontier(long time) throws Exception {
    for (Harness each : subtasks) {
      each.processWatermark2(new Watermark(time));
    }
  }

  private void define(Version version) throws Exception {
    for (Harness each : subtasks) {
      each.processElement2(new StreamRecord<>(version.toBytes()));
    }
  }

  private void watermark(long time) throws Exception {
    for (Harness each : subtasks) {
      each.processWatermark1(new Watermark(time));
    }
  }

  private void accept(Arrival arrival) throws Exception {
    accept(arrival, RECEIVED, ++receipt);
  }

  private void accept(Arrival arrival, long received, long id) throws Exception {
    RowPacker packer = new RowPacker(TYPES, 0, 2, TYPES.length - 1);
    RowData row = Book.stamped(Run.row(arrival), received, id);
    Packed packed = packer.pack(row, SOURCE, 0, 0);
    int group = StateChunks.group(packed.partition(), MAX_PARALLELISM);
    subtasks
        .get(group * subtasks.size() / MAX_PARALLELISM)
        .processElement1(new StreamRecord<>(packed));
  }

  private static Ports ports() {
    Ports ports = new Ports("test");
    SeriesCall.addJoined(ports);
    LogicalType text = DataTypes.STRING().getLogicalType();
    LogicalType number = DataTypes.DOUBLE().getLogicalType();
    LogicalType time = DataTypes.TIMESTAMP_LTZ(3).getLogicalType();
    LogicalType bytes = DataTypes.BYTES().getLogicalType();
    ports.add(
        SeriesCall.REFUSED,
        List.of("key", "id", "at", "value", "series", "received", "data", "outcome", "detail"),
        List.of(text, text, time, number, text, time, bytes, text, text));
    Ledger.add(ports);
    return ports;
  }
}
