package sdp.series;

import java.util.Arrays;
import sdp.keyed.Bytes;
import sdp.keyed.KeyLogs;

/**
 * What is stored of one key: several entries in the logs, each with a name of its own, so that a
 * sample changes little of what is known.
 *
 * <p>Name: the kind (1 byte), a number (8), the version of the join ({@link JoinVersion#prefix}),
 * the key.
 */
final class Entries {
  /** What is known of the key as a whole ({@link KeyState}). */
  static final byte KEY = 'k';

  /** The samples of a {@link Bucket}, by its number. */
  static final byte BUCKET = 'b';

  /** A sample as it came, by twice its time plus its side. */
  static final byte SAMPLE = 's';

  /** The provisional pairs. */
  static final byte PROVISIONAL = 'p';

  static final int MAX_KEY = 1 << 12;
  private static final int NUMBER = 1;
  private static final int VERSION = 9;

  private final KeyLogs logs;
  private byte[] name = new byte[256];
  private int keyAt;
  private int length;
  private int keyGroup;
  private long hash;

  Entries(KeyLogs logs) {
    this.logs = logs;
  }

  /** The entries are those of this key in this version from now on. */
  void select(int group, JoinVersion version, byte[] key, int at, int keyLength) {
    byte[] prefix = version.prefix;
    keyGroup = group;
    keyAt = VERSION + prefix.length;
    length = keyAt + keyLength;
    if (name.length < length) {
      name = new byte[length * 2];
    }
    System.arraycopy(prefix, 0, name, VERSION, prefix.length);
    System.arraycopy(key, at, name, keyAt, keyLength);
  }

  /** Selects the key and version of the entry that the logs have selected; returns the version. */
  JoinVersion selectOwner(Joins joins) {
    int at = logs.keyAt() + VERSION;
    JoinVersion version = joins.find(logs.bytes(), at);
    int before = VERSION + version.prefix.length;
    select(
        logs.keyGroup(), version, logs.bytes(), logs.keyAt() + before, logs.keyLength() - before);
    return version;
  }

  static byte kind(KeyLogs logs) {
    return logs.bytes()[logs.keyAt()];
  }

  static long number(KeyLogs logs) {
    return Bytes.getLong(logs.bytes(), logs.keyAt() + NUMBER);
  }

  byte[] key() {
    return Arrays.copyOfRange(name, keyAt, length);
  }

  boolean find(byte kind, long number) throws Exception {
    name[0] = kind;
    Bytes.putLong(name, NUMBER, number);
    hash = Bytes.hash(name, 0, length);
    return logs.find(keyGroup, hash, name, 0, length);
  }

  /** Where the payload of what was found starts, in the bytes of the logs. */
  int payloadAt() {
    return logs.payloadAt();
  }

  byte[] bytes() {
    return logs.bytes();
  }

  /** Stores the entry that was looked for last. */
  void put(byte[] payload, int payloadLength, long dueAt) throws Exception {
    logs.put(hash, name, 0, length, payload, payloadLength, dueAt);
  }

  /** Removes an entry, if it is there. */
  void remove(byte kind, long number) throws Exception {
    if (find(kind, number)) {
      remove();
    }
  }

  /** Removes the entry that was found last. */
  void remove() throws Exception {
    logs.remove(hash, name, 0, length);
  }
}
