package sdp.correlate;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.util.OutputTag;
import sdp.keyed.Packed;
import sdp.keyed.Ports;
import sdp.keyed.RowPacker;
import sdp.keyed.StateChunks;

/**
 * The operator with very many open keys: {@code SoakBench KEYS SHARE FOLDER}. Two subtasks, each
 * with RocksDB, in one JVM, whose heap is the caller's to choose. Each key is opened by its first
 * stage; then of some keys the second stage comes, of some the first again; then the watermark
 * closes all. Each outcome is counted; ends with 1 if one differs from what must be.
 */
public final class SoakBench {
  private static final int SUBTASKS = 2;
  private static final int MAX_PARALLELISM = 128;

  /** Outside the heap, as RocksDB has it in a job: a slot's managed memory. */
  private static final String MANAGED = "512mb";

  private static final long OPEN_MILLIS = 3_600_000;
  private static final long START = 1_767_600_000_000L;
  private static final List<String> STAGES = List.of("bid", "imp");
  private static final List<String> COLUMNS = List.of("key", "campaign", "price", "at");
  private static final LogicalTypeRoot[] TYPES = {
    LogicalTypeRoot.VARCHAR,
    LogicalTypeRoot.BIGINT,
    LogicalTypeRoot.BIGINT,
    LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE
  };

  /** One in this many keys has its second stage, and another one its first again. */
  private static final int ONE_OF = 100;

  private final long keys;
  private final double share;
  private final Path folder;
  private final List<Subtask> subtasks = new ArrayList<>();

  private SoakBench(long keys, double share, Path folder) {
    this.keys = keys;
    this.share = share;
    this.folder = folder;
  }

  public static void main(String[] arguments) throws Exception {
    long keys = Long.parseLong(arguments[0]);
    double share = Double.parseDouble(arguments[1]);
    System.exit(new SoakBench(keys, share, Path.of(arguments[2])).run() ? 0 : 1);
  }

  private boolean run() throws Exception {
    for (int number = 0; number < SUBTASKS; number++) {
      subtasks.add(new Subtask(number));
    }
    long step = keys / 20;
    for (long from = 0; from < keys; from += step) {
      long first = from;
      long end = Math.min(keys, from + step);
      phase("opened", end - first, subtask -> subtask.open(first, end));
    }
    long some = keys / ONE_OF;
    phase("second stages", some, subtask -> subtask.second(some));
    phase("repetitions", some, subtask -> subtask.again(some));
    phase("closed", keys, Subtask::close);
    return subtasks.stream().mapToLong(s -> s.matched).sum() == keys + some
        && subtasks.stream().mapToLong(s -> s.refused).sum() == some
        && subtasks.stream().mapToLong(s -> s.closed).sum() == keys
        && subtasks.stream().allMatch(s -> s.operator.openKeys() == 0);
  }

  private interface Work {
    void of(Subtask subtask) throws Exception;
  }

  private void phase(String what, long records, Work work) throws Exception {
    long started = System.nanoTime();
    long cpu = cpu();
    ExecutorService threads = Executors.newFixedThreadPool(SUBTASKS, SoakBench::thread);
    List<Callable<Void>> tasks = new ArrayList<>();
    for (Subtask subtask : subtasks) {
      tasks.add(
          () -> {
            work.of(subtask);
            return null;
          });
    }
    for (Future<Void> done : threads.invokeAll(tasks)) {
      done.get();
    }
    threads.shutdown();
    report(what, records, (System.nanoTime() - started) / 1e9, (cpu() - cpu) / 1e3);
  }

  /** One that ends with the program, also where that ends with an error. */
  private static Thread thread(Runnable work) {
    Thread thread = new Thread(work);
    thread.setDaemon(true);
    return thread;
  }

  private static long cpu() {
    var bean = java.lang.management.ManagementFactory.getOperatingSystemMXBean();
    return ((com.sun.management.OperatingSystemMXBean) bean).getProcessCpuTime();
  }

  private void report(String what, long records, double seconds, double cpuMicros) {
    Runtime runtime = Runtime.getRuntime();
    System.out.printf(
        "%,12d %-14s %,9.0f/s %5.1f µs CPU  open %,12d  kept %,5d MiB  dirty %,4d MiB  heap used %,5d of %,5d"
            + " MiB  matched %,d refused %,d closed %,d%n",
        records,
        what,
        records / seconds,
        cpuMicros / records,
        subtasks.stream().mapToLong(s -> s.operator.openKeys()).sum(),
        subtasks.stream().mapToLong(s -> s.operator.heap().kept()).sum() >> 20,
        subtasks.stream().mapToLong(s -> s.operator.heap().dirty()).sum() >> 20,
        runtime.totalMemory() - runtime.freeMemory() >> 20,
        runtime.maxMemory() >> 20,
        subtasks.stream().mapToLong(s -> s.matched).sum(),
        subtasks.stream().mapToLong(s -> s.refused).sum(),
        subtasks.stream().mapToLong(s -> s.closed).sum());
  }

  /** One subtask, which takes the records of its key groups. */
  private final class Subtask {
    private final int number;
    private final Operator operator = new Operator(this, share);
    private final KeyedOneInputStreamOperatorTestHarness<Integer, Packed, RowData> harness;
    private final RowPacker packer = new RowPacker(TYPES, 0, COLUMNS.indexOf("at"), -1);
    private final GenericRowData row = new GenericRowData(COLUMNS.size());
    private final int[] all = {0, 1, 2, 3};
    private final byte[] key = "auction-0000000000000000".getBytes(StandardCharsets.US_ASCII);
    private long matched;
    private long refused;
    private long closed;

    Subtask(int number) throws Exception {
      this.number = number;
      harness =
          new KeyedOneInputStreamOperatorTestHarness<>(
              operator, Packed::partition, Types.INT, MAX_PARALLELISM, SUBTASKS, number);
      EmbeddedRocksDBStateBackend backend = new EmbeddedRocksDBStateBackend();
      backend.getMemoryConfiguration().setFixedMemoryPerSlot(MANAGED);
      backend.setDbStoragePath(folder.resolve("subtask-" + number).toString());
      harness.setStateBackend(backend);
      harness.open();
    }

    void open(long from, long end) throws Exception {
      for (long key = from; key < end; key++) {
        accept(key, 0);
      }
    }

    void second(long count) throws Exception {
      for (long n = 0; n < count; n++) {
        accept(n * ONE_OF, 1);
      }
    }

    void again(long count) throws Exception {
      for (long n = 0; n < count; n++) {
        accept(n * ONE_OF + 1, 0);
      }
    }

    void close() throws Exception {
      harness.processWatermark(START + 4 * OPEN_MILLIS);
    }

    private void accept(long id, int stage) throws Exception {
      for (int digit = 0; digit < 16; digit++) {
        key[key.length - 1 - digit] =
            (byte) "0123456789abcdef".charAt((int) (id >>> 4 * digit) & 15);
      }
      row.setField(0, StringData.fromBytes(key));
      row.setField(1, id % 1000);
      row.setField(2, id % 997);
      row.setField(3, TimestampData.fromEpochMillis(START + id * OPEN_MILLIS / keys));
      Packed packed = packer.pack(row, all, stage, 0);
      int group = StateChunks.group(packed.partition(), MAX_PARALLELISM);
      if (group * SUBTASKS / MAX_PARALLELISM == number) {
        harness.processElement(new StreamRecord<>(packed));
      }
    }
  }

  private static Layout layout() {
    List<LogicalTypeRoot> types = List.of(TYPES);
    long own = 1L << COLUMNS.indexOf("at");
    return new Layout("soak", COLUMNS, types, 0, own, STAGES, OPEN_MILLIS, OPEN_MILLIS);
  }

  private static Ports ports() {
    Ports ports = new Ports("soak");
    for (String port :
        List.of("matched", "closed", "refused", "counts", "matched:bid", "matched:imp")) {
      ports.add(port, List.of("x"), List.of(new BigIntType()));
    }
    return ports;
  }

  /** The operator, whose outcomes are counted instead of collected. */
  private static final class Operator extends CorrelateOperator {
    private static final long serialVersionUID = 1L;
    private final transient Subtask subtask;

    Operator(Subtask subtask, double share) {
      super(layout(), new Reasons(layout(), Map.of(), new String[0]), null, null, share, ports());
      this.subtask = subtask;
    }

    @Override
    protected void emit(OutputTag<RowData> port, RowData row) {
      switch (port.getId()) {
        case "matched" -> subtask.matched++;
        case "refused" -> subtask.refused++;
        case "closed" -> subtask.closed++;
        default -> {}
      }
    }
  }
}
