package sdp.functions;

import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * SLICE: which of a thousand slices a key belongs to, from 0 to 999; of a null, null.
 *
 * <pre>{@code
 * SELECT *, SLICE(order_id) AS slice FROM decoded
 * }</pre>
 *
 * {@link Correlate} partitions its input by it: a slice is large enough to share a timer between
 * its keys and to keep a list of them in memory, and small enough to spread over all subtasks.
 */
public final class Slice extends ScalarFunction {
  private static final long serialVersionUID = 1L;

  /** As many as there are milliseconds in a second: a timer's milliseconds name its slice. */
  static final int SLICES = 1000;

  /** The slice of a key. */
  public Integer eval(
      @DataTypeHint(value = "STRING", bridgedTo = StringData.class) StringData key) {
    return key == null ? null : of(hash(key.toBytes()));
  }

  /** The slice of the keys with that hash. */
  static int of(long hash) {
    return (int) Long.remainderUnsigned(hash, SLICES);
  }

  /** A key's hash: FNV-1a, its bits mixed as SplitMix64 does; the same in every process. */
  static long hash(byte[] key) {
    long hash = 0xCBF29CE484222325L;
    for (byte b : key) {
      hash = (hash ^ b & 0xFF) * 0x100000001B3L;
    }
    hash = (hash ^ hash >>> 30) * 0xBF58476D1CE4E5B9L;
    hash = (hash ^ hash >>> 27) * 0x94D049BB133111EBL;
    return hash ^ hash >>> 31;
  }
}
