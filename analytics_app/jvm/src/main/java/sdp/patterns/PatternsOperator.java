package sdp.patterns;

import java.io.IOException;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.state.KeyGroupRange;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.util.OutputTag;
import sdp.keyed.HeapBudget;
import sdp.keyed.KeyLogs;
import sdp.keyed.Packed;
import sdp.keyed.Ports;
import sdp.keyed.StateChunks;
import sdp.metrics.PublishedMetrics;

/**
 * The patterns as an operator: an {@link Evaluation} whose matches and refusals leave through side
 * outputs, the ports. What is known of open keys is on the heap and is written back before each
 * checkpoint; no key is set for a record, and there are no timers.
 */
class PatternsOperator extends AbstractStreamOperator<RowData>
    implements OneInputStreamOperator<Packed, RowData>, Evaluation.Outcomes {
  private static final long serialVersionUID = 1L;

  /** Of header and entries; it changes when either does. */
  private static final int VERSION = 1;

  private final String name;
  private final Evaluation.Columns columns;
  private final Pattern[] patterns;
  private final long remembered;
  private final double heapShare;
  private final LogicalTypeRoot[] types;
  private final OutputTag<RowData> found;
  private final OutputTag<RowData> refused;

  private transient ListState<byte[]> header;
  private transient KeyLogs logs;
  private transient Evaluation evaluation;
  private transient int maxParallelism;
  private transient StreamRecord<RowData> out;
  private transient Map<Refusal, Counter> refusals;
  private transient Map<String, Counter> matches;

  /**
   * @param remembered for how long ids are remembered at least, in milliseconds
   * @param heapShare the share of a task manager's heap that its subtasks may keep open keys in
   * @param types of the columns of a record
   */
  PatternsOperator(
      String name,
      Evaluation.Columns columns,
      Pattern[] patterns,
      long remembered,
      double heapShare,
      LogicalTypeRoot[] types,
      Ports ports) {
    this.name = name;
    this.columns = columns;
    this.patterns = patterns.clone();
    this.remembered = remembered;
    this.heapShare = heapShare;
    this.types = types.clone();
    found = ports.tag(PatternsCall.FOUND);
    refused = ports.tag(PatternsCall.REFUSED);
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    var task = getRuntimeContext().getTaskInfo();
    maxParallelism = task.getMaxNumberOfParallelSubtasks();
    var descriptor =
        new MapStateDescriptor<>(
            "logs", LongSerializer.INSTANCE, BytePrimitiveArraySerializer.INSTANCE);
    var chunks =
        new StateChunks(
            getKeyedStateBackend(), maxParallelism, getKeyedStateStore().getMapState(descriptor));
    header =
        context
            .getOperatorStateStore()
            .getUnionListState(
                new ListStateDescriptor<>("header", BytePrimitiveArraySerializer.INSTANCE));
    KeyGroupRange range =
        KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex(
            maxParallelism, task.getNumberOfParallelSubtasks(), task.getIndexOfThisSubtask());
    logs =
        new KeyLogs(
            chunks,
            new HeapBudget(name, heapBytes()),
            maxParallelism,
            range.getStartKeyGroup(),
            range.getNumberOfKeyGroups(),
            Evaluation.STEP);
    evaluation = new Evaluation(columns, patterns, remembered, logs, this);
    if (context.isRestored()) {
      restore();
    }
  }

  /** Each slot of a task manager may have a subtask: at any parallelism they share its heap. */
  private long heapBytes() {
    var taskManager = getContainingTask().getEnvironment().getTaskManagerInfo().getConfiguration();
    int slots = taskManager.get(TaskManagerOptions.NUM_TASK_SLOTS);
    return (long) (Runtime.getRuntime().maxMemory() * heapShare / slots);
  }

  private void restore() throws Exception {
    for (byte[] bytes : header.get()) {
      evaluation.restore(watermark(bytes));
    }
    logs.restore();
    LOG.info("{}: {} keys restored, watermark {}", name, logs.open(), evaluation.watermark());
  }

  static long watermark(byte[] header) throws IOException {
    DataInputDeserializer in = new DataInputDeserializer(header);
    int version = in.readInt();
    if (version != VERSION) {
      throw new IOException(
          ("The state of the patterns has layout %d; this version reads %d. Start it with the"
                  + " version of the platform that wrote it, or a newer one.")
              .formatted(version, VERSION));
    }
    return in.readLong();
  }

  @Override
  public void open() throws Exception {
    super.open();
    out = new StreamRecord<>(null);
    MetricGroup metrics = PublishedMetrics.ofPatterns(getMetricGroup(), name);
    refusals = new EnumMap<>(Refusal.class);
    for (Refusal refusal : Refusal.values()) {
      refusals.put(refusal, metrics.counter(refusal.label()));
    }
    matches = new HashMap<>();
    for (Pattern pattern : patterns) {
      matches.put(pattern.kind(), metrics.addGroup("kind", pattern.kind()).counter("found"));
    }
    metrics.gauge("openKeys", logs::open);
  }

  long openKeys() {
    return logs.open();
  }

  /** The state is used by key group, at checkpoints and where memory ends: never by record. */
  @Override
  public boolean hasKeyContext1() {
    return false;
  }

  @Override
  @SuppressWarnings("rawtypes")
  public void setKeyContextElement1(StreamRecord record) {
    // see hasKeyContext1
  }

  @Override
  public void processElement(StreamRecord<Packed> element) throws Exception {
    Packed packed = element.getValue();
    evaluation.accept(StateChunks.group(packed.partition(), maxParallelism), packed);
  }

  /**
   * What leaves is the greatest watermark there ever was, after a restart too, less the step in
   * which keys are evaluated: up to there all matches have left.
   */
  @Override
  public void processWatermark(Watermark mark) throws Exception {
    long reached = evaluation.advance(mark.getTimestamp());
    boolean isEnd = reached == Watermark.MAX_WATERMARK.getTimestamp();
    super.processWatermark(new Watermark(isEnd ? reached : reached - Evaluation.STEP));
  }

  @Override
  public void found(byte[] key, int at, int length, Match match) {
    matches.get(match.kind()).inc();
    output.collect(found, out.replace(MatchRow.of(key, at, length, match)));
  }

  @Override
  public void refused(Refusal refusal, Packed packed, String why) {
    refusals.get(refusal).inc();
    output.collect(refused, out.replace(RefusedRow.of(types, refusal, packed, why)));
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    logs.flush();
    DataOutputSerializer bytes = new DataOutputSerializer(16);
    bytes.writeInt(VERSION);
    bytes.writeLong(evaluation.watermark());
    header.update(List.of(bytes.getCopyOfBuffer()));
    super.snapshotState(context);
  }
}
