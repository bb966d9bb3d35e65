package sdp.ledger;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import sdp.keyed.Block;

/**
 * Finds in a packed record what ingestion stamped on it: when it was received, and its receipt id,
 * which is the last member of its JSON and read from the end of the bytes. A record without both
 * did not come through the door, and the ledger does not count it.
 *
 * @param received the column with the time of receipt
 * @param data the column with the original bytes
 */
public record Stamp(int received, int data) implements Serializable {
  /** There is no receipt. */
  public static final long NONE = -1;

  private static final int MAX_DIGITS = 18;
  private static final byte[] NAME = "\"receipt\":".getBytes(StandardCharsets.US_ASCII);

  /** The stamp; null where one of the columns is -1: then there are no receipts. */
  public static Stamp of(int received, int data) {
    return received < 0 || data < 0 ? null : new Stamp(received, data);
  }

  /** The receipt id of the record in this block; {@link #NONE} if it has none, or no time. */
  public long receipt(byte[] bytes, int block) {
    long columns = Block.columns(bytes, block);
    if ((columns >>> received & columns >>> data & 1) == 0) {
      return NONE;
    }
    long slot = Block.slot(bytes, block, data);
    int start = block + Block.offset(slot);
    return last(bytes, start, start + Block.length(slot));
  }

  /** When the record in this block, which has a receipt, was received, in epoch milliseconds. */
  public long received(byte[] bytes, int block) {
    return Block.slot(bytes, block, received);
  }

  static long last(byte[] json, int start, int end) {
    int at = end - 1;
    if (at > start && json[at] == '\n') {
      at--;
    }
    if (at <= start || json[at] != '}') {
      return NONE;
    }
    int digits = at;
    long value = 0;
    long scale = 1;
    for (at--; at > start && json[at] >= '0' && json[at] <= '9'; at--, scale *= 10) {
      if (digits - at > MAX_DIGITS) {
        return NONE;
      }
      value += scale * (json[at] - '0');
    }
    int name = at + 1 - NAME.length;
    boolean isNamed =
        at + 1 < digits && name > start && Arrays.equals(json, name, at + 1, NAME, 0, NAME.length);
    return isNamed ? value : NONE;
  }
}
