package sdp.patterns;

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
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.util.OutputTag;
import org.junit.jupiter.api.Test;
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
class PatternsOperatorTest {
  private static final int MAX_PARALLELISM = 128;
  private static final int[] SOURCE = {0, 1, 2, 3, 4, 5, 6, 7};
  private static final LogicalTypeRoot[] TYPES = Book.types(Run.TYPES);
  private static final long RECEIVED = 1_200_000;

  private final List<String> results = new ArrayList<>();
  private final Book book = new Book();
  private long receipt;
  private Rules rules = Rules.USUAL;
  private List<Harness> subtasks = List.of();
  private List<PatternsOperator> operators = List.of();

  private static final class Harness
      extends KeyedOneInputStreamOperatorTestHarness<Integer, Packed, RowData> {
    Harness(PatternsOperator operator, int parallelism, int subtask) throws Exception {
      super(operator, Packed::partition, Types.INT, MAX_PARALLELISM, parallelism, subtask);
    }
  }

  /** The operator, whose results are noted. */
  private final class Noted extends PatternsOperator {
    private static final long serialVersionUID = 1L;

    Noted() {
      super(
          "test",
          Run.COLUMNS,
          rules.patterns(),
          rules.remembered(),
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
    public void found(byte[] key, int at, int length, Match match) {
      super.found(key, at, length, match);
      RowData row = MatchRow.of(key, at, length, match);
      results.add(row.getString(0) + " " + row.getString(1) + " " + row.getString(3));
    }

    @Override
    public void refused(Refusal refusal, Packed packed, String why) {
      super.refused(refusal, packed, why);
      RowData row = RefusedRow.of(Run.TYPES, packed.bytes(), Packed.BLOCK, refusal.label(), why);
      results.add(row.getString(6) + " " + row.getString(0) + " " + row.getString(1));
    }
  }

  @Test
  void anyParallelismGoesOnWithWhatAnotherLeft() throws Exception {
    List<String> uninterrupted = run(1);
    for (String kind : List.of("count", "missing", "anomaly", "late", "duplicate")) {
      assertTrue(uninterrupted.stream().anyMatch(r -> r.startsWith(kind)), kind);
    }
    assertEquals(uninterrupted, run(1, 2, 1, 3));
  }

  private List<String> run(int... parallelisms) throws Exception {
    results.clear();
    book.clear();
    int copies = 0;
    int sent = 0;
    Random random = new Random(5);
    start(parallelisms[0], null);
    for (int part = 0; part < 4; part++) {
      if (part > 0 && part < parallelisms.length) {
        start(parallelisms[part], AbstractStreamOperatorTestHarness.repackageState(snapshot()));
      }
      for (int number = 0; number < 1_000; number++) {
        long time = part * 200L + random.nextInt(240) - 30;
        int kind = random.nextInt(5);
        double value = kind == Event.LEVEL ? 60 : 1 + random.nextInt(20);
        String id = part + "-" + random.nextInt(950);
        Arrival arrival =
            new Arrival(id, "key " + random.nextInt(40), time, kind, value, null, Run.NONE);
        boolean isCopied = random.nextInt(20) == 0;
        receipt++;
        for (int copy = 0; copy <= (isCopied ? 1 : 0); copy++) {
          accept(arrival, RECEIVED + part * 30_000, receipt);
        }
        sent++;
        copies += isCopied ? 1 : 0;
      }
      watermark(part * 200L + 190);
    }
    watermark(Long.MAX_VALUE);
    assertEquals(0, operators.stream().mapToLong(PatternsOperator::openKeys).sum());
    snapshot();
    assertEquals(Map.of(), book.open());
    assertEquals(sent + copies, book.sum(Counted.READ));
    assertEquals(copies, book.sum(Counted.REDELIVERED));
    long late = results.stream().filter(each -> each.startsWith("late")).count();
    long repeated = results.stream().filter(each -> each.startsWith("duplicate")).count();
    assertEquals(late + repeated - copies, book.sum(Counted.LATE) + book.sum(Counted.DUPLICATE));
    assertEquals(sent + copies - late - repeated, book.sum(Counted.COUNTED));
    return results.stream().sorted().toList();
  }

  @Test
  void whatWasLateBeforeARestartIsLateAfterIt() throws Exception {
    start(2, null);
    watermark(20_000);
    start(3, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
    accept(Arrival.amount("x", "a", 19_999, 1));
    accept(Arrival.amount("y", "a", 20_000, 1));
    assertEquals(List.of("late a x"), results);
  }

  @Test
  void theWatermarkNeverGoesBack() throws Exception {
    start(1, null);
    watermark(20_000);
    start(1, snapshot()[0]);
    watermark(10_000);
    assertEquals(new Watermark(20_000 - Evaluation.STEP), subtasks.get(0).getOutput().poll());
  }

  @Test
  void howLongAfterItsTimeAMatchIsFoundIsMeasured() throws Exception {
    start(1, null);
    subtasks.get(0).setProcessingTime(25_000);
    accept(Arrival.level("l", "a", 0, 60));
    for (int number = 1; number <= 3; number++) {
      accept(Arrival.amount("e" + number, "a", number, 10));
    }
    watermark(20_000);
    assertEquals(List.of("count a e3"), results);
    assertEquals(25_000 - 3, operators.get(0).behind().percentile(50));
  }

  /** Patterns come and go; what is known of the others stays. */
  @Test
  void aPatternIsAddedAndAnotherGoes() throws Exception {
    start(1, null);
    for (int number = 0; number < 3; number++) {
      accept(Arrival.amount("e" + number, "a", number, 10));
    }
    accept(Arrival.level("l", "a", -1, 60));
    watermark(3);
    rules = new Rules(100, 4, 50, 0, 1_000, 2, 100, 50, 1.7, 3, 20);
    start(1, snapshot()[0]);
    results.clear();
    accept(Arrival.amount("e3", "a", 3, 10));
    watermark(200);
    assertEquals(List.of("count a e3"), results);
  }

  @Test
  void theStateOfANewerVersionIsRefusedWithWhatToDo() {
    byte[] header = {0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0};
    Exception refused =
        assertThrows(java.io.IOException.class, () -> PatternsOperator.watermark(header));
    assertTrue(refused.getMessage().contains("layout 99; this version reads 1."));
  }

  // --- the ledger -------------------------------------------------------------------------------

  /** What is taken is counted at once, what is late is late even if a pattern takes it. */
  @Test
  void eachEventHasOneOutcomeAndOnlyTheSendersRepetitionIsADuplicate() throws Exception {
    start(2, null);
    watermark(1_000);
    for (int copy = 0; copy < 2; copy++) {
      accept(Arrival.amount("e", "a", 1_000, 10), RECEIVED, 1);
      accept(Arrival.amount("late", "a", 990, 10), RECEIVED, 2);
      accept(Arrival.amount("e", "a", 1_000, 10), RECEIVED, 3);
      start(1, AbstractStreamOperatorTestHarness.repackageState(snapshot()));
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

  // --- running ----------------------------------------------------------------------------------

  private void start(int parallelism, OperatorSubtaskState state) throws Exception {
    int before = subtasks.size();
    List<Harness> started = new ArrayList<>();
    operators = Stream.generate(() -> (PatternsOperator) new Noted()).limit(parallelism).toList();
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

  private void watermark(long time) throws Exception {
    for (Harness each : subtasks) {
      each.processWatermark(time);
    }
  }

  private void accept(Arrival arrival) throws Exception {
    accept(arrival, RECEIVED, ++receipt);
  }

  private void accept(Arrival arrival, long received, long id) throws Exception {
    RowPacker packer = new RowPacker(TYPES, 0, 2, TYPES.length - 1);
    RowData row = Book.stamped(Run.row(arrival), received, id);
    Packed packed = packer.pack(row, SOURCE, arrival.kind(), 0);
    int group = StateChunks.group(packed.partition(), MAX_PARALLELISM);
    subtasks
        .get(group * subtasks.size() / MAX_PARALLELISM)
        .processElement(new StreamRecord<>(packed));
  }

  private static Ports ports() {
    Ports ports = new Ports("test");
    ports.add(PatternsCall.FOUND, List.of(MatchRow.NAMES), List.of(MatchRow.TYPES));
    LogicalType text = DataTypes.STRING().getLogicalType();
    LogicalType number = DataTypes.DOUBLE().getLogicalType();
    LogicalType time = DataTypes.TIMESTAMP_LTZ(3).getLogicalType();
    LogicalType bytes = DataTypes.BYTES().getLogicalType();
    ports.add(
        PatternsCall.REFUSED,
        List.of(
            "key", "id", "at", "level", "amount", "whose", "received", "data", "outcome", "detail"),
        List.of(text, text, time, number, number, text, time, bytes, text, text));
    Ledger.add(ports);
    return ports;
  }
}
