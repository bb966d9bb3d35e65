package sdp.keyed;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.runtime.state.KeyGroupRange;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.OutputTag;

/**
 * An operator whose rows leave through side outputs, the ports, and that knows its open keys on the
 * heap ({@link KeyLogs}). They are written back before each checkpoint; no key is set for a record,
 * and there are no timers. Beside the keys each subtask stores a header, and after a restore each
 * reads those of all.
 */
public abstract class LogsOperator extends AbstractStreamOperator<RowData> {
  private static final long serialVersionUID = 1L;

  private final String name;
  private final double heapShare;
  private final long step;

  private transient ListState<byte[]> header;
  private transient KeyLogs logs;
  private transient List<KeyLogs> all;
  private transient HeapBudget heap;
  private transient int maxParallelism;
  private transient StreamRecord<RowData> out;

  /**
   * @param heapShare the share of a task manager's heap that its subtasks may keep open keys in
   * @param step of the logs, in milliseconds of event time
   */
  protected LogsOperator(String name, double heapShare, long step) {
    this.name = name;
    this.heapShare = heapShare;
    this.step = step;
  }

  /** Makes what decides about the keys. */
  protected abstract void begin(KeyLogs keys) throws Exception;

  /** Continues from the headers of all subtasks; the keys are to be restored too. */
  protected abstract void restore(Iterable<byte[]> headers) throws Exception;

  /** What the header of a checkpoint is. */
  protected abstract byte[] header() throws Exception;

  /** Takes a record of a key group. */
  protected abstract void accept(int keyGroup, Packed packed) throws Exception;

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    var task = getRuntimeContext().getTaskInfo();
    maxParallelism = task.getMaxNumberOfParallelSubtasks();
    header =
        context
            .getOperatorStateStore()
            .getUnionListState(
                new ListStateDescriptor<>("header", BytePrimitiveArraySerializer.INSTANCE));
    all = new ArrayList<>();
    heap = new HeapBudget(name, heapBytes(heapShare));
    logs = logs("logs", heap, step);
    begin(logs);
    if (context.isRestored()) {
      restore(header.get());
    }
  }

  private KeyLogs logs(String state, HeapBudget budget, long every) throws Exception {
    var task = getRuntimeContext().getTaskInfo();
    var bytes = BytePrimitiveArraySerializer.INSTANCE;
    var descriptor = new MapStateDescriptor<>(state, LongSerializer.INSTANCE, bytes);
    var chunks =
        new StateChunks(
            getKeyedStateBackend(), maxParallelism, getKeyedStateStore().getMapState(descriptor));
    KeyGroupRange range =
        KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex(
            maxParallelism, task.getNumberOfParallelSubtasks(), task.getIndexOfThisSubtask());
    int first = range.getStartKeyGroup();
    int count = range.getNumberOfKeyGroups();
    all.add(new KeyLogs(chunks, budget, maxParallelism, first, count, every));
    return all.get(all.size() - 1);
  }

  /**
   * Logs beside those of the keys, which {@link #restore} restores too.
   *
   * @param state the name of their state
   * @param share of a task manager's heap, as that of the keys
   * @param every their step, in milliseconds
   */
  protected final KeyLogs beside(String state, double share, long every) throws Exception {
    return logs(state, new HeapBudget(name, heapBytes(share)), every);
  }

  /** Each slot of a task manager may have a subtask: at any parallelism they share its heap. */
  private long heapBytes(double share) {
    var taskManager = getContainingTask().getEnvironment().getTaskManagerInfo().getConfiguration();
    int slots = taskManager.get(TaskManagerOptions.NUM_TASK_SLOTS);
    return (long) (Runtime.getRuntime().maxMemory() * share / slots);
  }

  @Override
  public void open() throws Exception {
    super.open();
    out = new StreamRecord<>(null);
  }

  /** The number of open keys. */
  public final long openKeys() {
    return logs.open();
  }

  /** What the keys take of the heap. */
  public final HeapBudget heap() {
    return heap;
  }

  /** The state is used by key group, at checkpoints and where memory ends: never by record. */
  @Override
  public final boolean hasKeyContext1() {
    return false;
  }

  @Override
  public final boolean hasKeyContext2() {
    return false;
  }

  @Override
  @SuppressWarnings("rawtypes")
  public final void setKeyContextElement1(StreamRecord record) {
    // see hasKeyContext1
  }

  @Override
  @SuppressWarnings("rawtypes")
  public final void setKeyContextElement2(StreamRecord record) {
    // see hasKeyContext1
  }

  /** Takes a record that came in. */
  protected final void accept(Packed packed) throws Exception {
    accept(StateChunks.group(packed.partition(), maxParallelism), packed);
  }

  /**
   * Reads the version that a header begins with.
   *
   * @param of what the operator does, for the error message
   */
  protected static void readVersion(DataInputDeserializer header, int version, String of)
      throws IOException {
    int found = header.readInt();
    if (found != version) {
      throw new IOException(
          ("The state of the %s has layout %d; this version reads %d. Start it with the version of"
                  + " the platform that wrote it, or a newer one.")
              .formatted(of, found, version));
    }
  }

  /**
   * Sends a watermark on: the greatest there ever was, after a restart too, less what rows may be
   * behind it. The end of time stays what it is.
   */
  protected final void leave(long reached, long behind) throws Exception {
    boolean isEnd = reached == Watermark.MAX_WATERMARK.getTimestamp();
    super.processWatermark(new Watermark(isEnd ? reached : reached - behind));
  }

  /** Sends a row through a port. */
  protected void emit(OutputTag<RowData> port, RowData row) {
    output.collect(port, out.replace(row));
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    for (KeyLogs each : all) {
      each.flush();
    }
    header.update(List.of(header()));
    super.snapshotState(context);
  }
}
