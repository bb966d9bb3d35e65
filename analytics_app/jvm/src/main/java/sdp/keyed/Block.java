package sdp.keyed;

/**
 * The columns of a row in bytes: a bitmap of those that are not null, a slot of eight bytes for
 * each of them, then the values of variable length. A slot contains the value itself, or the offset
 * from the start of the block (upper half) and the length (lower half) of one of variable length.
 */
public final class Block {
  /** The bitmap has a bit for each column. */
  public static final int MAX_COLUMNS = 64;

  static final int BITMAP = 8;
  private static final int SLOT = 8;

  /** One bit for each column that is not null. */
  public static long columns(byte[] bytes, int block) {
    return Bytes.getLong(bytes, block);
  }

  /** The slot of a column that is not null. */
  public static long slot(byte[] bytes, int block, int column) {
    return Bytes.getLong(bytes, slotAt(bytes, block, column));
  }

  private static int slotAt(byte[] bytes, int block, int column) {
    long before = columns(bytes, block) & (1L << column) - 1;
    return block + BITMAP + SLOT * Long.bitCount(before);
  }

  /** Where the first value of variable length is, from the start of the block. */
  public static int values(long columns) {
    return BITMAP + SLOT * Long.bitCount(columns);
  }

  /** What a slot says of a value of variable length. */
  public static long slotOf(int offset, int length) {
    return (long) offset << 32 | length;
  }

  public static int offset(long slot) {
    return (int) (slot >>> 32);
  }

  public static int length(long slot) {
    return (int) slot;
  }

  private Block() {}
}
