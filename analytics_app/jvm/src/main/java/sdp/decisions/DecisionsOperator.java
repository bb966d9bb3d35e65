package sdp.decisions;

import java.io.IOException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.OutputTag;
import sdp.decisions.Decision.Result;
import sdp.definitions.Version;
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
import sdp.scores.ModelStore;
import sdp.scores.Models;

/**
 * Decisions as an operator: {@link Deciding} over business events and profiles of each key, and
 * over the definitions, of which each subtask gets all versions.
 *
 * <p>Definitions that go on arriving are no state: after a restart they are read again, and nothing
 * is decided before their watermark has come. Those that end ({@code bounded}) are: a source that
 * has ended before a checkpoint is not started again after it.
 */
class DecisionsOperator extends CountingOperator
    implements TwoInputStreamOperator<Packed, byte[], RowData>, Deciding.Outcomes {
  private static final long serialVersionUID = 1L;

  /** Of header and entries; it changes when either does. */
  private static final int VERSION = 1;

  /** How long a model is waited for when it is first needed. */
  private static final Duration MODEL_PATIENCE = Duration.ofSeconds(30);

  private final String name;
  private final Layout layout;
  private final Inputs inputs;
  private final double defaultScore;
  private final ModelStore.Opener modelStore;
  private final boolean bounded;
  private final OutputTag<RowData> decisions;
  private final OutputTag<RowData> actions;
  private final OutputTag<RowData> refused;

  private transient KeyLogs logs;
  private transient Definitions definitions;
  private transient ModelScores scores;
  private transient Counter scored;
  private transient Counter unscored;
  private transient Deciding deciding;
  private transient Map<Refusal, Counter> refusals;
  private transient Map<Result, Counter> results;
  private transient Counter passed;
  private transient Counter stopped;
  private transient Counter withoutRule;
  private transient Counter fired;
  private transient Counter withoutProfile;
  private transient Counter unfilled;
  private transient Percentiles behind;
  private transient Percentiles scoring;

  /**
   * @param defaultScore of every action while there is no model
   * @param modelStore where models are
   * @param bounded whether the definitions end
   * @param heapShare the share of a task manager's heap that its subtasks may keep open keys in
   * @param stamp where receipts are in a record, or null where the ledger counts nothing
   */
  DecisionsOperator(
      String name,
      Layout layout,
      double defaultScore,
      ModelStore.Opener modelStore,
      boolean bounded,
      double heapShare,
      Stamp stamp,
      Ports ports) {
    super(name, heapShare, Deciding.STEP, stamp, ports);
    this.name = name;
    this.layout = layout;
    this.inputs = Inputs.of(layout);
    this.defaultScore = defaultScore;
    this.modelStore = modelStore;
    this.bounded = bounded;
    decisions = ports.tag(DecisionsCall.DECISIONS);
    actions = ports.tag(DecisionsCall.ACTIONS);
    refused = ports.tag(DecisionsCall.REFUSED);
  }

  @Override
  protected void begin(KeyLogs keys) {
    logs = keys;
    definitions = new Definitions();
    scored = new SimpleCounter();
    unscored = new SimpleCounter();
    Models models = Models.onnx(modelStore, MODEL_PATIENCE);
    scores = new ModelScores(definitions, models, defaultScore, scored, unscored);
    scoring = new Percentiles();
    Decider decider = new Decider(definitions);
    deciding = new Deciding(layout, decider, new TimedScores(scores, scoring), keys, this);
  }

  // --- state ------------------------------------------------------------------------------------

  @Override
  protected void restore(Iterable<byte[]> headers) throws Exception {
    for (byte[] bytes : headers) {
      DataInputDeserializer in = new DataInputDeserializer(bytes);
      readVersion(in, VERSION, "decisions");
      deciding.restore(in.readLong());
      Version.readAll(in).forEach(definitions::add);
    }
    logs.restore();
    LOG.info("{}: {} keys restored, watermark {}", name, logs.open(), deciding.watermark());
  }

  @Override
  protected byte[] header() throws IOException {
    boolean isKept = bounded && getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() == 0;
    DataOutputSerializer bytes = new DataOutputSerializer(16);
    bytes.writeInt(VERSION);
    bytes.writeLong(deciding.watermark());
    Version.writeAll(isKept ? definitions.versions() : List.of(), bytes);
    return bytes.getCopyOfBuffer();
  }

  @Override
  public void open() throws Exception {
    super.open();
    MetricGroup metrics = PublishedMetrics.ofDecisions(getMetricGroup(), name);
    refusals = new EnumMap<>(Refusal.class);
    for (Refusal refusal : Refusal.values()) {
      refusals.put(refusal, metrics.counter(refusal.label()));
    }
    results = new EnumMap<>(Result.class);
    results.put(Result.TRUE, metrics.counter("rulesTrue"));
    results.put(Result.FALSE, metrics.counter("rulesFalse"));
    results.put(Result.ERROR, metrics.counter("rulesFailed"));
    passed = metrics.counter("passed");
    stopped = metrics.counter("stopped");
    withoutRule = metrics.counter("withoutRule");
    fired = metrics.counter("actions");
    withoutProfile = metrics.counter("withoutProfile");
    unfilled = metrics.counter("passedWithoutAction");
    metrics.counter("scored", scored);
    metrics.counter("unscored", unscored);
    behind = new Percentiles();
    behind.publish(metrics, "decidedAfterMillis");
    scoring.publish(metrics, "scoreMicros");
    metrics.gauge("openKeys", logs::open);
  }

  /** How long after its time each business event was decided. */
  Percentiles behind() {
    return behind;
  }

  // --- input ------------------------------------------------------------------------------------

  @Override
  public void processElement1(StreamRecord<Packed> element) throws Exception {
    accept(element.getValue());
  }

  @Override
  public void processElement2(StreamRecord<byte[]> element) throws Exception {
    Version version = Version.of(element.getValue());
    definitions.add(version);
    boolean isAhead = version.validFrom() > deciding.watermark();
    if (isAhead && deciding.watermark() != Deciding.NO_WATERMARK) {
      scores.prepare(version);
    }
  }

  @Override
  public void close() throws Exception {
    if (scores != null) {
      scores.close();
    }
    super.close();
  }

  @Override
  protected void take(int keyGroup, Packed packed) throws Exception {
    deciding.accept(keyGroup, packed);
  }

  /**
   * The watermark of both inputs. What leaves is the greatest there ever was, after a restart too,
   * less the step in which keys are decided: up to there all decisions have left.
   */
  @Override
  public void processWatermark(Watermark mark) throws Exception {
    leave(deciding.advance(mark.getTimestamp()), Deciding.STEP);
  }

  // --- output -----------------------------------------------------------------------------------

  @Override
  public void decided(
      long time, Map<String, Object> event, Map<String, Object> profile, Decision decision) {
    behind.add(getProcessingTimeService().getCurrentProcessingTime() - time);
    decision.rules().forEach(rule -> results.get(rule.result()).inc());
    (decision.passed() ? passed : stopped).inc();
    if (decision.rules().stream().noneMatch(rule -> rule.version().live())) {
      withoutRule.inc();
    }
    if (profile == null) {
      withoutProfile.inc();
    }
    emit(decisions, Rows.decision(time, event, profile, layout.customer(), decision));
    if (decision.action() != null) {
      fired.inc();
      emit(actions, Rows.action(time, event, profile, layout.customer(), decision, inputs));
    } else if (decision.passed()) {
      unfilled.inc();
    }
  }

  @Override
  public void refused(Refusal refusal, Packed packed, String why) {
    refusals.get(refusal).inc();
    count(packed.bytes(), Packed.BLOCK, refusal.counted());
    emit(
        refused, RefusedRow.of(layout.types(), packed.bytes(), Packed.BLOCK, refusal.label(), why));
  }

  @Override
  public void taken(Packed packed) {
    count(packed.bytes(), Packed.BLOCK, Counted.COUNTED);
  }
}
