package sdp.series;

import java.io.IOException;
import java.util.EnumMap;
import java.util.Map;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.util.OutputTag;
import sdp.keyed.KeyLogs;
import sdp.keyed.Packed;
import sdp.keyed.Ports;
import sdp.keyed.RefusedRow;
import sdp.ledger.Counted;
import sdp.ledger.CountingOperator;
import sdp.ledger.Refusal;
import sdp.ledger.Stamp;
import sdp.metrics.PublishedMetrics;

/** The join as an operator: a {@link SeriesJoin} whose pairs and refusals leave by ports. */
class SeriesOperator extends CountingOperator
    implements OneInputStreamOperator<Packed, RowData>, SeriesJoin.Outcomes {
  private static final long serialVersionUID = 1L;

  /** Of header and entries; it changes when either does. */
  private static final int VERSION = 1;

  private final String name;
  private final SeriesJoin.Columns columns;
  private final SeriesJoin.Limits limits;
  private final String r;
  private final String s;
  private final LogicalTypeRoot[] types;
  private final OutputTag<RowData> pairs;
  private final OutputTag<RowData> durations;
  private final OutputTag<RowData> refused;

  private transient KeyLogs logs;
  private transient SeriesJoin join;
  private transient StringData[] names;
  private transient Map<Status, StringData> labels;
  private transient Map<Status, Counter> counts;
  private transient Map<Refusal, Counter> refusals;

  /**
   * @param r the name of the series, as {@code s}
   * @param heapShare the share of a task manager's heap that its subtasks may keep open keys in
   * @param types of the columns of a record
   * @param stamp where receipts are in a record, or null where the ledger counts nothing
   */
  SeriesOperator(
      String name,
      SeriesJoin.Columns columns,
      SeriesJoin.Limits limits,
      String r,
      String s,
      double heapShare,
      LogicalTypeRoot[] types,
      Stamp stamp,
      Ports ports) {
    super(name, heapShare, SeriesJoin.STEP, stamp, ports);
    this.name = name;
    this.columns = columns;
    this.limits = limits;
    this.r = r;
    this.s = s;
    this.types = types.clone();
    pairs = ports.tag(SeriesCall.PAIRS);
    durations = ports.tag(SeriesCall.DURATIONS);
    refused = ports.tag(SeriesCall.REFUSED);
  }

  @Override
  protected void begin(KeyLogs keys) {
    logs = keys;
    join = new SeriesJoin(columns, limits, keys, this);
  }

  @Override
  protected void restore(Iterable<byte[]> headers) throws Exception {
    for (byte[] bytes : headers) {
      join.restore(watermark(bytes));
    }
    logs.restore();
    LOG.info("{}: {} entries restored, watermark {}", name, logs.open(), join.watermark());
  }

  static long watermark(byte[] header) throws IOException {
    DataInputDeserializer in = new DataInputDeserializer(header);
    readVersion(in, VERSION, "join");
    return in.readLong();
  }

  @Override
  public void open() throws Exception {
    super.open();
    names = new StringData[] {StringData.fromString(r), StringData.fromString(s)};
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
    metrics.gauge("openEntries", logs::open);
  }

  @Override
  protected void take(int keyGroup, Packed packed) throws Exception {
    join.accept(keyGroup, packed);
  }

  /**
   * What leaves is the greatest watermark there ever was, after a restart too, less what pairs may
   * be behind it: up to there all final ones have left.
   */
  @Override
  public void processWatermark(Watermark mark) throws Exception {
    leave(join.advance(mark.getTimestamp()), join.behind());
  }

  @Override
  public void pair(byte[] key, Pair pair, Status status) {
    counts.get(status).inc();
    emit(pairs, PairRow.of(key, names, pair, labels.get(status)));
  }

  @Override
  public void lasted(byte[] key, Pair pair, long lasting) {
    emit(durations, DurationRow.of(key, pair, lasting));
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
  protected byte[] header() throws IOException {
    DataOutputSerializer bytes = new DataOutputSerializer(16);
    bytes.writeInt(VERSION);
    bytes.writeLong(join.watermark());
    return bytes.getCopyOfBuffer();
  }
}
