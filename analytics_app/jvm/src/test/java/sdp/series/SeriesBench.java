package sdp.series;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.storage.FileSystemCheckpointStorage;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.util.OutputTag;
import sdp.keyed.Packed;
import sdp.keyed.Ports;
import sdp.keyed.RowPacker;

/**
 * The operator with RocksDB, one subtask in one thread: {@code SeriesBench SAMPLES KEYS FOLDER}.
 * Both series of each key have a sample each 100 ms, in turns, 5 s of them not settled; a
 * checkpoint after each tenth. Prints pairs a second and pairs a second of CPU (of the whole
 * process: compilation, garbage and RocksDB's own threads too), for each tenth and for the second
 * half together; ends with 1 if a pair is missing.
 */
public final class SeriesBench {
  private static final long START = 1_767_600_000_000L;
  private static final long APART = 50;
  private static final String MANAGED = "512mb";
  private static final SeriesJoin.Limits LIMITS =
      new SeriesJoin.Limits(1_000, 5_000, 5_000, 30_000, 600_000);
  private static final int MAX_PARALLELISM = 128;
  private static final int[] SOURCE = {0, 1, 2, 3, 4};

  private static final StringData[] SERIES = {
    StringData.fromString("r"), StringData.fromString("s")
  };

  private final long samples;
  private final int keys;
  private final Operator operator = new Operator();
  private final KeyedTwoInputStreamOperatorTestHarness<Integer, Packed, byte[], RowData> harness;
  private final RowPacker packer = new RowPacker(Run.TYPES, 0, 2, -1);
  private final StringData[] names;

  private SeriesBench(long samples, int keys, Path folder) throws Exception {
    this.samples = samples;
    this.keys = keys;
    names = new StringData[keys];
    for (int key = 0; key < keys; key++) {
      names[key] = StringData.fromString("thing-" + key);
    }
    harness =
        new KeyedTwoInputStreamOperatorTestHarness<>(
            operator, Packed::partition, bytes -> 0, Types.INT, MAX_PARALLELISM, 1, 0);
    EmbeddedRocksDBStateBackend backend = new EmbeddedRocksDBStateBackend();
    backend.getMemoryConfiguration().setFixedMemoryPerSlot(MANAGED);
    backend.setDbStoragePath(folder.toString());
    harness.setStateBackend(backend);
    harness.setCheckpointStorage(
        new FileSystemCheckpointStorage(folder.resolve("checkpoints").toUri()));
    harness.open();
    harness.processWatermark2(new Watermark(Long.MAX_VALUE));
  }

  public static void main(String[] arguments) throws Exception {
    long samples = Long.parseLong(arguments[0]);
    int keys = Integer.parseInt(arguments[1]);
    System.exit(new SeriesBench(samples, keys, Path.of(arguments[2])).run() ? 0 : 1);
  }

  private boolean run() throws Exception {
    long part = samples / 10;
    Moment half = null;
    for (int number = 0; number < 10; number++) {
      Moment before = now();
      half = number == 5 ? before : half;
      for (long sample = number * part; sample < (number + 1) * part; sample++) {
        accept(sample);
      }
      harness.snapshot(number, number);
      System.out.printf(
          "%s  entries %,9d  kept %,4d MiB%n",
          since(before), operator.openKeys(), operator.heap().kept() >> 20);
    }
    System.out.println("the operator with RocksDB, second half: " + since(half));
    harness.processWatermark1(new Watermark(Long.MAX_VALUE));
    return operator.pairs == 10 * part - keys && operator.openKeys() == 0;
  }

  private void accept(long sample) throws Exception {
    int key = (int) (sample % keys);
    long turn = sample / keys;
    long time = START + turn * APART;
    if (key == 0 && turn % 2 == 0) {
      harness.processWatermark1(new Watermark(time - 5_000));
    }
    RowData row =
        GenericRowData.of(
            names[key],
            StringData.fromString(Long.toHexString(sample)),
            TimestampData.fromEpochMillis(time),
            (double) (sample % 1_000),
            SERIES[(int) (turn % 2)]);
    harness.processElement1(new StreamRecord<>(packer.pack(row, SOURCE, 0, 0)));
  }

  private record Moment(long wall, long cpu, long pairs) {}

  private Moment now() {
    var process =
        (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return new Moment(System.nanoTime(), process.getProcessCpuTime(), operator.pairs);
  }

  private String since(Moment before) {
    Moment now = now();
    double pairs = now.pairs - before.pairs;
    return "%,12.0f pairs %,10.0f pairs/s %,10.0f pairs a second of CPU"
        .formatted(
            pairs, pairs * 1e9 / (now.wall - before.wall), pairs * 1e9 / (now.cpu - before.cpu));
  }

  private static Ports ports() {
    Ports ports = new Ports("bench");
    for (String port : List.of(SeriesCall.PAIRS, SeriesCall.DURATIONS, SeriesCall.REFUSED)) {
      ports.add(port, List.of("x"), List.of(new BigIntType()));
    }
    return ports;
  }

  /** The operator, whose rows are counted instead of collected. */
  private static final class Operator extends SeriesOperator {
    private static final long serialVersionUID = 1L;
    private transient long pairs;

    Operator() {
      super(
          "bench",
          Run.COLUMNS,
          LIMITS,
          new First(Run.JOIN, "r", "s"),
          true,
          0.42,
          Run.TYPES,
          null,
          ports());
    }

    @Override
    protected void emit(OutputTag<RowData> port, RowData row) {
      pairs += port.getId().equals(SeriesCall.PAIRS) ? 1 : 0;
    }
  }
}
