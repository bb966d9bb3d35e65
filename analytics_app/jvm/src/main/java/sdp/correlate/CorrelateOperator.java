package sdp.correlate;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.OutputTag;
import sdp.keyed.KeyLogs;
import sdp.keyed.Packed;
import sdp.keyed.Ports;
import sdp.ledger.Counted;
import sdp.ledger.CountingOperator;
import sdp.ledger.Stamp;
import sdp.metrics.PublishedMetrics;

/** The correlation as an operator: a {@link Join} whose outcomes leave by ports. */
class CorrelateOperator extends CountingOperator
    implements OneInputStreamOperator<Packed, RowData>, Join.Outcomes {
  private static final long serialVersionUID = 1L;

  /** Few partial counts leave at once; many only so often. */
  private static final long COUNTS_MILLIS = 200;

  private static final long MANY_COUNTS_MILLIS = 1000;
  private static final int MANY_COUNTS = 256;

  private final Layout layout;
  private final Reasons reasons;
  private final CountSpec count;
  private final OutputTag<RowData> matched;
  private final OutputTag<RowData> closed;
  private final OutputTag<RowData> refused;
  private final OutputTag<RowData> counted;
  private final List<OutputTag<RowData>> ofStages = new ArrayList<>();

  private transient KeyLogs logs;
  private transient Join join;
  private transient PartialCounts counts;
  private transient boolean countsDue;
  private transient long drainedAt;
  private transient long held;
  private transient Map<Outcome, Counter> refusals;

  /**
   * @param count what is counted, or null
   * @param stamp where receipts are in a record, or null where the ledger counts nothing
   * @param heapShare the share of a task manager's heap that its subtasks may keep open keys in
   */
  CorrelateOperator(
      Layout layout, Reasons reasons, CountSpec count, Stamp stamp, double heapShare, Ports ports) {
    super(layout.name(), heapShare, layout.step(), stamp, ports);
    this.layout = layout;
    this.reasons = reasons;
    this.count = count;
    matched = ports.tag("matched");
    closed = ports.tag("closed");
    refused = ports.tag("refused");
    counted = ports.tag("counts");
    layout.stages().forEach(stage -> ofStages.add(ports.tag("matched:" + stage)));
  }

  @Override
  protected void begin(KeyLogs keys) {
    logs = keys;
    join = new Join(layout, reasons, keys, this);
  }

  @Override
  protected void restore(Iterable<byte[]> headers) throws Exception {
    long started = System.nanoTime();
    Header found = null;
    for (byte[] bytes : headers) {
      found = Header.read(bytes);
      join.restore(found.watermark(), found.floor());
    }
    logs.restore();
    if (found != null && !found.fits(layout)) {
      logs.rewrite(join.translating(new Migration(found, layout)));
    }
    LOG.info(
        "{}: {} open keys restored in {} ms, watermark {}",
        layout.name(),
        logs.open(),
        (System.nanoTime() - started) / 1_000_000,
        join.watermark());
  }

  @Override
  public void open() throws Exception {
    super.open();
    counts = new PartialCounts(layout.stages().size());
    held = Join.NO_WATERMARK;
    refusals = new EnumMap<>(Outcome.class);
    MetricGroup metrics = PublishedMetrics.ofCorrelation(getMetricGroup(), layout.name());
    for (Outcome outcome :
        List.of(Outcome.DUPLICATE, Outcome.LATE, Outcome.UNMATCHED, Outcome.MALFORMED)) {
      refusals.put(outcome, metrics.counter(outcome.label()));
    }
    metrics.gauge("openKeys", logs::open);
    metrics.gauge("keptBytes", heap()::kept);
    metrics.gauge("dirtyBytes", heap()::dirty);
    metrics.gauge("watermarkLagMillis", this::lag);
  }

  private long lag() {
    long watermark = join.watermark();
    return watermark == Join.NO_WATERMARK
        ? 0
        : getProcessingTimeService().getCurrentProcessingTime() - watermark;
  }

  @Override
  protected void take(int keyGroup, Packed packed) throws Exception {
    join.accept(keyGroup, packed);
  }

  /**
   * What leaves is the greatest watermark there ever was, after a restart too, and it leaves behind
   * the counts: it says that what is before it has been counted. Counts that are still kept hold it
   * back. In catch-up it passes hours in the time in which they leave once.
   */
  @Override
  public void processWatermark(Watermark mark) throws Exception {
    held = join.advance(mark.getTimestamp());
    if (held == Watermark.MAX_WATERMARK.getTimestamp()) {
      drain();
    } else if (counts.size() == 0) {
      passOn();
    }
  }

  @Override
  public void matched(int stage, OutcomeRow row) {
    note(row, Counted.COUNTED);
    if (count != null) {
      count.count(counts, stage, row);
      drainSoon();
    }
    emit(matched, row);
    emit(ofStages.get(stage), row);
  }

  @Override
  public void closed(OutcomeRow row) {
    emit(closed, row);
  }

  @Override
  public void refused(OutcomeRow row) {
    refusals.get(row.outcome()).inc();
    note(row, counted(row.outcome()));
    emit(refused, row);
  }

  private static Counted counted(Outcome outcome) {
    return switch (outcome) {
      case MATCHED, CLOSED -> Counted.COUNTED;
      case DUPLICATE -> Counted.DUPLICATE;
      case LATE -> Counted.LATE;
      case UNMATCHED -> Counted.UNMATCHED;
      case MALFORMED -> Counted.MALFORMED;
    };
  }

  private void note(OutcomeRow row, Counted what) {
    count(row.record(), row.recordAt(), what);
  }

  private void drainSoon() {
    if (!countsDue) {
      countsDue = true;
      long now = getProcessingTimeService().getCurrentProcessingTime();
      getProcessingTimeService().registerTimer(now + COUNTS_MILLIS, this::drain);
    }
  }

  private void drain(long now) throws Exception {
    countsDue = false;
    if (counts.size() > MANY_COUNTS && now - drainedAt < MANY_COUNTS_MILLIS) {
      drainSoon();
    } else {
      drainedAt = now;
      drain();
    }
  }

  private void drain() throws Exception {
    counts.drain(row -> emit(counted, row));
    passOn();
  }

  private void passOn() throws Exception {
    if (held != Join.NO_WATERMARK) {
      super.processWatermark(new Watermark(held));
      held = Join.NO_WATERMARK;
    }
  }

  /** Counts are no state: they leave before the barrier does. */
  @Override
  public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
    drain();
    super.prepareSnapshotPreBarrier(checkpoint);
  }

  @Override
  public void finish() throws Exception {
    drain();
    super.finish();
  }

  @Override
  protected byte[] header() throws Exception {
    return Header.of(layout, join.watermark(), join.floor()).write();
  }
}
