package sdp.ledger;

import java.io.IOException;
import java.util.function.Consumer;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.RowData;
import sdp.keyed.Packed;
import sdp.keyed.Ports;

/**
 * What one subtask of an operator counts for the ledger. The counts leave by the port {@link
 * #PORT}, where SQL adds them up; receipts are state of the operator, so that a copy is known after
 * a restart at any parallelism.
 */
public final class Ledger {
  public static final String PORT = "ledger";

  private final Stamp stamp;
  private final Tally tally = new Tally();
  private final Receipts receipts = new Receipts();
  private byte[] copy;

  public Ledger(Stamp stamp) {
    this.stamp = stamp;
  }

  /** Adds the port. */
  public static void add(Ports ports) {
    ports.add(
        PORT,
        Counted.columns(),
        Counted.columns().stream().map(name -> DataTypes.BIGINT().getLogicalType()).toList());
  }

  /** Takes what all subtasks have noted; returns the state to {@link #snapshot} into. */
  public ListState<byte[]> initialize(OperatorStateStore store, boolean isRestored)
      throws Exception {
    ListState<byte[]> state =
        store.getUnionListState(
            new ListStateDescriptor<>("receipts", BytePrimitiveArraySerializer.INSTANCE));
    if (isRestored) {
      for (byte[] bytes : state.get()) {
        receipts.restore(bytes);
      }
    }
    return state;
  }

  /** What is to be stored of the receipts. */
  public byte[] snapshot() throws IOException {
    return receipts.write();
  }

  /** Counts a record that has arrived. Its outcome may follow at once. */
  public void read(Packed packed) {
    byte[] bytes = packed.bytes();
    long receipt = stamp.receipt(bytes, Packed.BLOCK);
    copy = null;
    if (receipt != Stamp.NONE) {
      long received = stamp.received(bytes, Packed.BLOCK);
      tally.add(received, Counted.READ);
      copy = receipts.add(received, receipt) ? bytes : null;
    }
  }

  /** Counts an outcome of the record in this block. */
  public void count(byte[] bytes, int block, Counted what) {
    if (stamp.receipt(bytes, block) != Stamp.NONE) {
      boolean isCopy = bytes == copy && what != Counted.COUNTED;
      tally.add(stamp.received(bytes, block), isCopy ? Counted.REDELIVERED : what);
    }
  }

  /** Passes on what was counted. */
  public void drain(Consumer<RowData> sink) {
    tally.drain(sink);
  }
}
