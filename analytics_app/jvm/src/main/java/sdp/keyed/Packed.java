package sdp.keyed;

import java.util.Arrays;

/**
 * A record on its way to a keyed operator: a header, the key, and its columns as a {@link Block}.
 * One object and its bytes are used for record after record, so whoever keeps a record copies it.
 *
 * <p>Header: the hash of the key (8 bytes), the event time (8), the kind (1), whether there is a
 * key (1), the reason (2), where the key is from the start of the block (4), its length (2), unused
 * (6).
 */
public final class Packed {
  /** The greatest reason that the header can name. */
  public static final int MAX_REASON = 0xFFFF;

  /** Where the block starts. */
  public static final int BLOCK = 32;

  private static final int HASH = 0;
  private static final int TIME = 8;
  private static final int KIND = 16;
  private static final int KEYED = 17;
  private static final int REASON = 18;
  private static final int KEY_AT = 20;
  private static final int KEY_LENGTH = 24;
  private static final int MAX_KEY = 0xFFFF;

  /** Keys are spread over this many partitions, evenly enough for any parallelism. */
  private static final int PARTITION_BITS = 20;

  private byte[] bytes = new byte[1024];
  private int length;

  public byte[] bytes() {
    return bytes;
  }

  public int length() {
    return length;
  }

  void setLength(int length) {
    this.length = length;
  }

  /** Grows to the given number of bytes, keeping the content. */
  byte[] ensure(int wanted) {
    if (bytes.length < wanted) {
      bytes = Arrays.copyOf(bytes, Math.max(wanted, bytes.length * 2));
    }
    return bytes;
  }

  /** Starts a record of a kind. */
  void clear(int kind, int reason) {
    Arrays.fill(bytes, 0, BLOCK, (byte) 0);
    bytes[KIND] = (byte) kind;
    Bytes.putShort(bytes, REASON, reason);
  }

  void setTime(long millis) {
    Bytes.putLong(bytes, TIME, millis);
  }

  /** Notes where in the block the key is; one that is too long is none. */
  void setKey(int offset, int keyLength) {
    if (keyLength <= MAX_KEY) {
      Bytes.putLong(bytes, HASH, Bytes.hash(bytes, BLOCK + offset, keyLength));
      Bytes.putInt(bytes, KEY_AT, offset);
      Bytes.putShort(bytes, KEY_LENGTH, keyLength);
      bytes[KEYED] = 1;
    }
  }

  /** Spreads a record without a key by its content. */
  void spread() {
    Bytes.putLong(bytes, HASH, Bytes.hash(bytes, BLOCK, length - BLOCK));
  }

  /** Corrects the header of a record whose values have moved. */
  public static void moveKey(byte[] record, int shift) {
    Bytes.putInt(record, KEY_AT, Bytes.getInt(record, KEY_AT) + shift);
  }

  public static long time(byte[] bytes, int record) {
    return Bytes.getLong(bytes, record + TIME);
  }

  public long time() {
    return time(bytes, 0);
  }

  public long hash() {
    return Bytes.getLong(bytes, HASH);
  }

  public int kind() {
    return kind(bytes, 0);
  }

  public static int kind(byte[] bytes, int record) {
    return bytes[record + KIND];
  }

  public void setKind(int kind) {
    bytes[KIND] = (byte) kind;
  }

  public int reason() {
    return Bytes.getShort(bytes, REASON);
  }

  public boolean hasKey() {
    return bytes[KEYED] != 0;
  }

  public int keyAt() {
    return BLOCK + Bytes.getInt(bytes, KEY_AT);
  }

  public int keyLength() {
    return Bytes.getShort(bytes, KEY_LENGTH);
  }

  /** What the stream of records is partitioned by. */
  public int partition() {
    return partition(hash());
  }

  static int partition(long hash) {
    return (int) (hash >>> 64 - PARTITION_BITS);
  }

  /** Becomes the record in these bytes. */
  public void read(byte[] from, int at, int recordLength) {
    System.arraycopy(from, at, ensure(recordLength), 0, recordLength);
    length = recordLength;
  }

  Packed copy() {
    Packed copy = new Packed();
    copy.bytes = Arrays.copyOf(bytes, Math.max(length, BLOCK));
    copy.length = length;
    return copy;
  }
}
