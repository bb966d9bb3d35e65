package sdp.ledger;

import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.OutputTag;
import sdp.keyed.LogsOperator;
import sdp.keyed.Packed;
import sdp.keyed.Ports;

/**
 * A {@link LogsOperator} that counts for the ledger which records it reads and what becomes of
 * them. Its counts leave every few seconds and before each barrier, so they are no state.
 */
public abstract class CountingOperator extends LogsOperator {
  private static final long serialVersionUID = 1L;

  /** The ledger is read by people and alarms: seconds later is soon enough. */
  private static final long MILLIS = 2_000;

  private final Stamp stamp;
  private final OutputTag<RowData> port;

  private transient Ledger ledger;
  private transient ListState<byte[]> receipts;
  private transient boolean isDue;

  /**
   * @param heapShare the share of a task manager's heap that its subtasks may keep open keys in
   * @param step of the logs, in milliseconds of event time
   * @param stamp where receipts are in a record, or null where the ledger counts nothing
   */
  protected CountingOperator(String name, double heapShare, long step, Stamp stamp, Ports ports) {
    super(name, heapShare, step);
    this.stamp = stamp;
    port = stamp == null ? null : ports.tag(Ledger.PORT);
  }

  /** Takes a record of a key group, which is counted as read. */
  protected abstract void take(int keyGroup, Packed packed) throws Exception;

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    if (stamp != null) {
      ledger = new Ledger(stamp);
      receipts = ledger.initialize(context.getOperatorStateStore(), context.isRestored());
    }
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    if (ledger != null) {
      receipts.update(List.of(ledger.snapshot()));
    }
    super.snapshotState(context);
  }

  /** Takes a record: an operator with this one input need only say that it has it. */
  public final void processElement(StreamRecord<Packed> element) throws Exception {
    accept(element.getValue());
  }

  @Override
  protected final void accept(int keyGroup, Packed packed) throws Exception {
    if (ledger != null) {
      ledger.read(packed);
      drainSoon();
    }
    take(keyGroup, packed);
  }

  /** Counts an outcome of the record in this block. */
  protected final void count(byte[] bytes, int block, Counted what) {
    if (ledger != null) {
      ledger.count(bytes, block, what);
      drainSoon();
    }
  }

  private void drainSoon() {
    if (!isDue) {
      isDue = true;
      long now = getProcessingTimeService().getCurrentProcessingTime();
      getProcessingTimeService().registerTimer(now + MILLIS, at -> drainLedger());
    }
  }

  private void drainLedger() {
    isDue = false;
    if (ledger != null) {
      ledger.drain(row -> emit(port, row));
    }
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
    super.prepareSnapshotPreBarrier(checkpoint);
    drainLedger();
  }

  @Override
  public void finish() throws Exception {
    drainLedger();
    super.finish();
  }
}
