package sdp.series;

import java.io.IOException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.util.OutputTag;
import sdp.definitions.Version;
import sdp.keyed.KeyLogs;
import sdp.keyed.Packed;
import sdp.keyed.Ports;
import sdp.keyed.RefusedRow;
import sdp.ledger.Counted;
import sdp.ledger.CountingOperator;
import sdp.ledger.Refusal;
import sdp.ledger.Stamp;
import sdp.metrics.PublishedMetrics;

/**
 * The joins as an operator: {@link SeriesJoins} over the samples of each key and over the
 * definitions, of which each subtask gets all versions. Pairs and refusals leave by ports.
 *
 * <p>Definitions that go on arriving are no state: after a restart they are read again, and samples
 * wait for their watermark. Those that end ({@code bounded}) are: a source that has ended before a
 * checkpoint is not started again after it.
 */
class SeriesOperator extends CountingOperator
    implements TwoInputStreamOperator<Packed, byte[], RowData>, SeriesJoin.Outcomes {
  private static final long serialVersionUID = 1L;

  /** Of header and entries; it changes when either does. */
  private static final int VERSION = 2;

  /** Of the share of the heap: for what waits for the definitions. */
  private static final double WAITING_SHARE = 0.25;

  private final String name;
  private final SeriesJoin.Columns columns;
  private final SeriesJoin.Limits limits;
  private final First first;
  private final boolean bounded;
  private final double heapShare;
  private final LogicalTypeRoot[] types;
  private final OutputTag<RowData> pairs;
  private final OutputTag<RowData> durations;
  private final OutputTag<RowData> refused;

  private transient KeyLogs logs;
  private transient KeyLogs waiting;
  private transient SeriesJoins joins;
  private transient Counter leftOut;
  private transient Map<Status, StringData> labels;
  private transient Map<Status, Counter> counts;
  private transient Map<Refusal, Counter> refusals;

  /** The version of a join that is valid until a definition of its name is. */
  record First(String join, String r, String s) implements java.io.Serializable {}

  /**
   * @param bounded whether the definitions end
   * @param heapShare the share of a task manager's heap that its subtasks may keep open keys in
   * @param types of the columns of a record
   * @param stamp where receipts are in a record, or null where the ledger counts nothing
   */
  SeriesOperator(
      String name,
      SeriesJoin.Columns columns,
      SeriesJoin.Limits limits,
      First first,
      boolean bounded,
      double heapShare,
      LogicalTypeRoot[] types,
      Stamp stamp,
      Ports ports) {
    super(name, heapShare * (1 - WAITING_SHARE), SeriesJoin.STEP, stamp, ports);
    this.name = name;
    this.columns = columns;
    this.limits = limits;
    this.first = first;
    this.bounded = bounded;
    this.heapShare = heapShare;
    this.types = types.clone();
    pairs = ports.tag(SeriesCall.PAIRS);
    durations = ports.tag(SeriesCall.DURATIONS);
    refused = ports.tag(SeriesCall.REFUSED);
  }

  @Override
  protected void begin(KeyLogs keys) throws Exception {
    logs = keys;
    waiting = beside("waiting", heapShare * WAITING_SHARE, SeriesJoins.STEP);
    long distance = limits.distance();
    Joins versions =
        new Joins(new JoinVersion(first.join, 0, JoinVersion.ALWAYS, first.r, first.s, distance));
    joins = new SeriesJoins(columns, limits, versions, keys, waiting, SeriesJoins.STEP, this);
  }

  @Override
  protected void restore(Iterable<byte[]> headers) throws Exception {
    for (byte[] bytes : headers) {
      restore(bytes);
    }
    logs.restore();
    waiting.restore();
    LOG.info("{}: {} entries restored, watermark {}", name, logs.open(), joins.watermark());
  }

  private void restore(byte[] bytes) throws IOException {
    DataInputDeserializer in = read(bytes);
    joins.restore(in.readLong(), in.readLong());
    Version.readAll(in).forEach(joins::define);
  }

  /** What follows the version of a header. */
  static DataInputDeserializer read(byte[] bytes) throws IOException {
    DataInputDeserializer in = new DataInputDeserializer(bytes);
    readVersion(in, VERSION, "join");
    return in;
  }

  @Override
  public void open() throws Exception {
    super.open();
    MetricGroup metrics = PublishedMetrics.ofSeries(getMetricGroup(), name);
    labels = new EnumMap<>(Status.class);
    counts = new EnumMap<>(Status.class);
    for (Status status : Status.values()) {
      labels.put(status, StringData.fromString(status.label()));
      counts.put(status, metrics.counter(status.label()));
    }
    refusals = new EnumMap<>(Refusal.class);
    for (Refusal refusal : Refusal.values()) {
      refusals.put(refusal, metrics.counter(refusal.label()));
    }
    leftOut = metrics.counter("leftOut");
    metrics.gauge("openEntries", logs::open);
    metrics.gauge("waiting", joins::waiting);
  }

  @Override
  public void processElement1(StreamRecord<Packed> element) throws Exception {
    accept(element.getValue());
  }

  @Override
  public void processElement2(StreamRecord<byte[]> element) throws Exception {
    joins.define(Version.of(element.getValue()));
  }

  @Override
  protected void take(int keyGroup, Packed packed) throws Exception {
    joins.accept(keyGroup, packed);
  }

  /** The frontier of the definitions. What it has passed is taken before the stream goes on. */
  @Override
  public void processWatermark2(Watermark mark) throws Exception {
    joins.reach(mark.getTimestamp());
    super.processWatermark2(mark);
  }

  /**
   * The watermark of both inputs. What leaves is that of the greatest there ever was, after a
   * restart too: up to there all final rows have left.
   */
  @Override
  public void processWatermark(Watermark mark) throws Exception {
    leave(joins.advance(mark.getTimestamp()), 0);
  }

  @Override
  public void pair(JoinVersion join, byte[] key, Pair pair, Status status) {
    counts.get(status).inc();
    emit(pairs, PairRow.of(join, key, pair, labels.get(status)));
  }

  @Override
  public void lasted(JoinVersion join, byte[] key, Pair pair, long lasting) {
    emit(durations, DurationRow.of(join, key, pair, lasting));
  }

  @Override
  public void refused(Refusal refusal, byte[] record, int at, String why) {
    refusals.get(refusal).inc();
    count(record, at + Packed.BLOCK, refusal.counted());
    emit(refused, RefusedRow.of(types, record, at + Packed.BLOCK, refusal.label(), why));
  }

  @Override
  public void settled(byte[] record, int at) {
    count(record, at + Packed.BLOCK, Counted.COUNTED);
  }

  @Override
  public void left(byte[] record, int at) {
    leftOut.inc();
    count(record, at + Packed.BLOCK, Counted.FILTERED);
  }

  @Override
  protected byte[] header() throws IOException {
    DataOutputSerializer bytes = new DataOutputSerializer(16);
    bytes.writeInt(VERSION);
    bytes.writeLong(joins.watermark());
    bytes.writeLong(joins.numbers());
    boolean isKept = bounded && getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() == 0;
    Version.writeAll(isKept ? joins.written() : List.of(), bytes);
    return bytes.getCopyOfBuffer();
  }
}
