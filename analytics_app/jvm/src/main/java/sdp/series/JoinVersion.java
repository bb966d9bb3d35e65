package sdp.series;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.apache.flink.table.data.StringData;
import sdp.keyed.Bytes;

/**
 * A version of a join: which two series it pairs, and how far apart at most, from an instant of
 * event time on. Version 0 has no document: options say what it is, and it is valid from the
 * beginning of time.
 */
final class JoinVersion {
  /** From when on version 0 is valid. */
  static final long ALWAYS = Long.MIN_VALUE;

  final String join;
  final long version;

  /** Epoch milliseconds, as {@link #until}. */
  final long from;

  final String r;
  final String s;

  /** Milliseconds. */
  final long distance;

  /** The name of the join, as {@link #series} those of the series r and s. */
  final StringData name;

  final StringData[] series;

  /** Identifies the version in the names of entries: version (8 bytes), length (1), name. */
  final byte[] prefix;

  /** From when on another one is valid, or none. */
  private long until = Long.MAX_VALUE;

  /**
   * @param distance milliseconds
   */
  JoinVersion(String join, long version, long from, String r, String s, long distance) {
    this.join = join;
    this.version = version;
    this.from = from;
    this.r = r;
    this.s = s;
    this.distance = distance;
    name = StringData.fromString(join);
    series = new StringData[] {StringData.fromString(r), StringData.fromString(s)};
    byte[] bytes = join.getBytes(UTF_8);
    prefix = new byte[9 + bytes.length];
    Bytes.putLong(prefix, 0, version);
    prefix[8] = (byte) bytes.length;
    System.arraycopy(bytes, 0, prefix, 9, bytes.length);
  }

  /** The length of the prefix at a place. */
  static int prefixLength(byte[] bytes, int at) {
    return 9 + (bytes[at + 8] & 0xFF);
  }

  /** What a prefix identifies, for people. */
  static String described(byte[] bytes, int at) {
    String join = new String(bytes, at + 9, prefixLength(bytes, at) - 9, UTF_8);
    return "version %d of join '%s'".formatted(Bytes.getLong(bytes, at), join);
  }

  long until() {
    return until;
  }

  void endAt(long time) {
    until = time;
  }
}
