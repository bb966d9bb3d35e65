package sdp.ledger;

import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.table.data.RowData;
import sdp.keyed.KeyLogs;
import sdp.keyed.Packed;
import sdp.keyed.Ports;

/** Counts records whose outcome is known when they arrive: their kind. It knows no keys. */
final class OutcomesOperator extends CountingOperator
    implements OneInputStreamOperator<Packed, RowData> {
  private static final long serialVersionUID = 1L;

  /** It has no keys, so it needs no heap for them. */
  private static final double HEAP_SHARE = 0.001;

  private static final Counted[] OUTCOMES = Counted.values();

  OutcomesOperator(String name, Stamp stamp, Ports ports) {
    super(name, HEAP_SHARE, 1, stamp, ports);
  }

  @Override
  protected void take(int keyGroup, Packed packed) {
    count(packed.bytes(), Packed.BLOCK, OUTCOMES[packed.kind()]);
  }

  @Override
  protected void begin(KeyLogs keys) {
    // there are none
  }

  @Override
  protected void restore(Iterable<byte[]> headers) {
    // there is nothing but receipts
  }

  @Override
  protected byte[] header() {
    return new byte[0];
  }
}
