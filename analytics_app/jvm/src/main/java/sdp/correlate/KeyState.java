package sdp.correlate;

import java.util.Arrays;
import sdp.keyed.Block;
import sdp.keyed.Bytes;
import sdp.keyed.Packed;

/**
 * What is known of one key, read from bytes and written to bytes; one object serves all keys.
 *
 * <p>Payload: how many stages have matched (5 bits), how many records wait (11), a bit for each
 * stage that has its record (2), the length of what is merged (4), the time of the first stage (8)
 * and for each later stage how far it is from that (4), what is merged as a {@link Block}; then for
 * each record that waits its stage (1), whether it has that stage (1), unused (2), its length (4)
 * and the {@link Packed} record.
 */
final class KeyState {
  /** More of one key's records never wait, beside the last one, so that no key grows for ever. */
  static final int MAX_WAITING_BYTES = 1 << 16;

  /** In the first byte; the rest of it has the upper bits of how many records wait. */
  private static final int MATCHED_BITS = 5;

  private static final int SEEN = 2;
  private static final int MERGED_LENGTH = 4;
  private static final int ANCHOR = 8;
  private static final int OFFSETS = 16;
  private static final int WAITING = 8;

  private final int stages;
  private final long own;
  private final long variable;

  final long[] times;
  int seen;
  int matched;

  byte[] merged;
  int mergedAt;
  private int mergedLength;

  private int waiting;
  private int waitingBytes;
  private int[] stage = new int[8];
  private boolean[] placed = new boolean[8];
  private byte[][] bytes = new byte[8][];
  private int[] start = new int[8];
  private int[] length = new int[8];

  private byte[] payload = new byte[4096];
  private final byte[][] scratch = {new byte[1024], new byte[1024]};
  private int turn;

  /**
   * @param own one bit for each column that is not merged
   * @param variable one bit for each column of variable length
   */
  KeyState(int stages, long own, long variable) {
    this.stages = stages;
    this.own = own;
    this.variable = variable;
    times = new long[stages];
  }

  void clear() {
    seen = 0;
    matched = 0;
    merged = null;
    mergedLength = 0;
    waiting = 0;
    waitingBytes = 0;
  }

  boolean isEmpty() {
    return seen == 0 && waiting == 0;
  }

  boolean hasFirst() {
    return (seen & 1) != 0;
  }

  boolean has(int of) {
    return (seen & 1 << of) != 0;
  }

  /** Gives a stage to its record. */
  void place(int of, long time) {
    seen |= 1 << of;
    times[of] = time;
  }

  /** The first stage and what matched are over; records that have no stage stay. */
  void removeFirst() {
    seen = 0;
    matched = 0;
    merged = null;
    mergedLength = 0;
  }

  // --- records that wait ------------------------------------------------------------------------

  int waiting() {
    return waiting;
  }

  /** Whether no more records may wait; as each has a header, their number is bounded too. */
  boolean isCrowded() {
    return waitingBytes >= MAX_WAITING_BYTES;
  }

  void add(int of, boolean hasStage, byte[] record, int at, int size) {
    if (waiting == stage.length) {
      grow(waiting * 2);
    }
    stage[waiting] = of;
    placed[waiting] = hasStage;
    bytes[waiting] = record;
    start[waiting] = at;
    length[waiting] = size;
    waiting++;
    waitingBytes += size;
  }

  private void grow(int to) {
    stage = Arrays.copyOf(stage, to);
    placed = Arrays.copyOf(placed, to);
    bytes = Arrays.copyOf(bytes, to);
    start = Arrays.copyOf(start, to);
    length = Arrays.copyOf(length, to);
  }

  void drop(int index) {
    waitingBytes -= length[index];
    waiting--;
    int moved = waiting - index;
    System.arraycopy(stage, index + 1, stage, index, moved);
    System.arraycopy(placed, index + 1, placed, index, moved);
    System.arraycopy(bytes, index + 1, bytes, index, moved);
    System.arraycopy(start, index + 1, start, index, moved);
    System.arraycopy(length, index + 1, length, index, moved);
  }

  int stage(int index) {
    return stage[index];
  }

  boolean isPlaced(int index) {
    return placed[index];
  }

  void setPlaced(int index) {
    placed[index] = true;
  }

  long time(int index) {
    return Packed.time(bytes[index], start[index]);
  }

  byte[] record(int index) {
    return bytes[index];
  }

  int start(int index) {
    return start[index];
  }

  int length(int index) {
    return length[index];
  }

  int block(int index) {
    return start[index] + Packed.BLOCK;
  }

  /** The record that has a stage and has not matched. */
  int find(int of) {
    for (int index = 0; index < waiting; index++) {
      if (placed[index] && stage[index] == of) {
        return index;
      }
    }
    throw new IllegalStateException("A stage has lost its record: " + of);
  }

  // --- what later stages are filled from --------------------------------------------------------

  /** Adds the columns of a record that are not known yet. */
  void merge(byte[] record, int block) {
    long more = Block.columns(record, block) & ~own;
    long known = merged == null ? 0 : Block.columns(merged, mergedAt);
    if (merged == null || (more & ~known) != 0) {
      mergedLength = merge(record, block, known, more | known);
      merged = scratch[turn];
      mergedAt = 0;
    }
  }

  private int merge(byte[] record, int block, long known, long all) {
    turn ^= 1;
    int slot = 8;
    int at = Block.values(all);
    byte[] to = scratch(at);
    Bytes.putLong(to, 0, all);
    for (long left = all; left != 0; left &= left - 1, slot += 8) {
      int column = Long.numberOfTrailingZeros(left);
      boolean earlier = (known >>> column & 1) != 0;
      byte[] from = earlier ? merged : record;
      int base = earlier ? mergedAt : block;
      long value = Block.slot(from, base, column);
      if ((variable >>> column & 1) != 0) {
        int size = Block.length(value);
        to = scratch(at + size);
        System.arraycopy(from, base + Block.offset(value), to, at, size);
        value = Block.slotOf(at, size);
        at += size;
      }
      Bytes.putLong(to, slot, value);
    }
    return at;
  }

  private byte[] scratch(int wanted) {
    if (scratch[turn].length < wanted) {
      scratch[turn] = Arrays.copyOf(scratch[turn], wanted * 2);
    }
    return scratch[turn];
  }

  int mergedLength() {
    return mergedLength;
  }

  void setMerged(byte[] block, int size) {
    merged = block;
    mergedAt = 0;
    mergedLength = size;
  }

  // --- bytes ------------------------------------------------------------------------------------

  /** Reads a payload; what waits and what is merged stay where they are. */
  void read(byte[] from, int at) {
    clear();
    matched = from[at] & (1 << MATCHED_BITS) - 1;
    int records = (from[at] & 0xFF) >>> MATCHED_BITS << 8 | from[at + 1] & 0xFF;
    seen = Bytes.getShort(from, at + SEEN);
    mergedLength = Bytes.getInt(from, at + MERGED_LENGTH);
    times[0] = Bytes.getLong(from, at + ANCHOR);
    int next = at + OFFSETS;
    for (int of = 1; of < stages; of++, next += 4) {
      times[of] = times[0] + Bytes.getInt(from, next);
    }
    if (mergedLength > 0) {
      merged = from;
      mergedAt = next;
    }
    next += mergedLength;
    for (int index = 0; index < records; index++) {
      int size = Bytes.getInt(from, next + 4);
      add(from[next], from[next + 1] != 0, from, next + WAITING, size);
      next += WAITING + size;
    }
  }

  /** Writes the payload; returns its length. */
  int write() {
    int size = OFFSETS + 4 * (stages - 1) + mergedLength + WAITING * waiting + waitingBytes;
    if (payload.length < size) {
      payload = new byte[size * 2];
    }
    payload[0] = (byte) (matched | waiting >>> 8 << MATCHED_BITS);
    payload[1] = (byte) waiting;
    Bytes.putShort(payload, SEEN, seen);
    Bytes.putInt(payload, MERGED_LENGTH, mergedLength);
    Bytes.putLong(payload, ANCHOR, hasFirst() ? times[0] : 0);
    int next = OFFSETS;
    for (int of = 1; of < stages; of++, next += 4) {
      Bytes.putInt(payload, next, has(of) ? (int) (times[of] - times[0]) : 0);
    }
    if (mergedLength > 0) {
      System.arraycopy(merged, mergedAt, payload, next, mergedLength);
    }
    next += mergedLength;
    for (int index = 0; index < waiting; index++) {
      payload[next] = (byte) stage[index];
      payload[next + 1] = (byte) (placed[index] ? 1 : 0);
      Bytes.putInt(payload, next + 4, length[index]);
      System.arraycopy(bytes[index], start[index], payload, next + WAITING, length[index]);
      next += WAITING + length[index];
    }
    return next;
  }

  byte[] payload() {
    return payload;
  }
}
