package sdp.keyed;

/**
 * Where an entry is, in one number that is never 0: the log (16 bits), the chunk of it (10 bits)
 * and the offset in the chunk (20 bits, in units of {@link #ALIGNMENT} bytes).
 */
final class Position {
  static final int ALIGNMENT = 16;
  static final int BITS = 46;

  /** The chunk that is still written to; it is not in the state. */
  static final int OPEN = 1023;

  private static final int MAX_LOGS = 0xFFFF;
  private static final int MAX_OFFSET = 0xFFFFF;

  static long of(int log, int chunk, int offset) {
    int unit = offset / ALIGNMENT;
    if (log > MAX_LOGS || unit > MAX_OFFSET) {
      throw new IllegalStateException(
          "A key group has %d logs, the newest with %d bytes; at most %d and %d are possible"
              .formatted(log, offset, MAX_LOGS, MAX_OFFSET * ALIGNMENT));
    }
    return (long) log << 30 | (long) chunk << 20 | unit;
  }

  static int log(long position) {
    return (int) (position >>> 30) & MAX_LOGS;
  }

  static int chunk(long position) {
    return (int) (position >>> 20) & OPEN;
  }

  static int offset(long position) {
    return ((int) position & MAX_OFFSET) * ALIGNMENT;
  }

  private Position() {}
}
