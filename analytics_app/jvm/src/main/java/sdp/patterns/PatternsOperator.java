package sdp.patterns;

import java.io.IOException;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.table.data.RowData;
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
import sdp.metrics.Percentiles;
import sdp.metrics.PublishedMetrics;

/** The patterns as an operator: an {@link Evaluation} whose matches and refusals leave by ports. */
class PatternsOperator extends CountingOperator
    implements OneInputStreamOperator<Packed, RowData>, Evaluation.Outcomes {
  private static final long serialVersionUID = 1L;

  /** Of header and entries; it changes when either does. */
  private static final int VERSION = 1;

  private final String name;
  private final Evaluation.Columns columns;
  private final Pattern[] patterns;
  private final long remembered;
  private final LogicalTypeRoot[] types;
  private final OutputTag<RowData> found;
  private final OutputTag<RowData> refused;

  private transient KeyLogs logs;
  private transient Evaluation evaluation;
  private transient Map<Refusal, Counter> refusals;
  private transient Map<String, Counter> matches;
  private transient Percentiles behind;

  /**
   * @param remembered for how long ids are remembered at least, in milliseconds
   * @param heapShare the share of a task manager's heap that its subtasks may keep open keys in
   * @param types of the columns of a record
   * @param stamp where receipts are in a record, or null where the ledger counts nothing
   */
  PatternsOperator(
      String name,
      Evaluation.Columns columns,
      Pattern[] patterns,
      long remembered,
      double heapShare,
      LogicalTypeRoot[] types,
      Stamp stamp,
      Ports ports) {
    super(name, heapShare, Evaluation.STEP, stamp, ports);
    this.name = name;
    this.columns = columns;
    this.patterns = patterns.clone();
    this.remembered = remembered;
    this.types = types.clone();
    found = ports.tag(PatternsCall.FOUND);
    refused = ports.tag(PatternsCall.REFUSED);
  }

  @Override
  protected void begin(KeyLogs keys) {
    logs = keys;
    evaluation = new Evaluation(columns, patterns, remembered, keys, this);
  }

  @Override
  protected void restore(Iterable<byte[]> headers) throws Exception {
    for (byte[] bytes : headers) {
      evaluation.restore(watermark(bytes));
    }
    logs.restore();
    LOG.info("{}: {} keys restored, watermark {}", name, logs.open(), evaluation.watermark());
  }

  static long watermark(byte[] header) throws IOException {
    DataInputDeserializer in = new DataInputDeserializer(header);
    readVersion(in, VERSION, "patterns");
    return in.readLong();
  }

  @Override
  public void open() throws Exception {
    super.open();
    MetricGroup metrics = PublishedMetrics.ofPatterns(getMetricGroup(), name);
    refusals = new EnumMap<>(Refusal.class);
    for (Refusal refusal : Refusal.values()) {
      refusals.put(refusal, metrics.counter(refusal.label()));
    }
    matches = new HashMap<>();
    for (Pattern pattern : patterns) {
      matches.put(pattern.kind(), metrics.addGroup("kind", pattern.kind()).counter("found"));
    }
    behind = new Percentiles();
    behind.publish(metrics, "foundAfterMillis");
    metrics.gauge("openKeys", logs::open);
  }

  /** How long after its time each match was found. */
  Percentiles behind() {
    return behind;
  }

  @Override
  protected void take(int keyGroup, Packed packed) throws Exception {
    evaluation.accept(keyGroup, packed);
  }

  /**
   * What leaves is the greatest watermark there ever was, after a restart too, less the step in
   * which keys are evaluated: up to there all matches have left.
   */
  @Override
  public void processWatermark(Watermark mark) throws Exception {
    leave(evaluation.advance(mark.getTimestamp()), Evaluation.STEP);
  }

  @Override
  public void found(byte[] key, int at, int length, Match match) {
    matches.get(match.kind()).inc();
    behind.add(getProcessingTimeService().getCurrentProcessingTime() - match.time());
    emit(found, MatchRow.of(key, at, length, match));
  }

  @Override
  public void refused(Refusal refusal, Packed packed, String why) {
    refusals.get(refusal).inc();
    count(packed.bytes(), Packed.BLOCK, refusal.counted());
    emit(refused, RefusedRow.of(types, packed.bytes(), Packed.BLOCK, refusal.label(), why));
  }

  @Override
  public void taken(Packed packed) {
    count(packed.bytes(), Packed.BLOCK, Counted.COUNTED);
  }

  @Override
  protected byte[] header() throws IOException {
    DataOutputSerializer bytes = new DataOutputSerializer(16);
    bytes.writeInt(VERSION);
    bytes.writeLong(evaluation.watermark());
    return bytes.getCopyOfBuffer();
  }
}
