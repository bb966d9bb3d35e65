package sdp.series;

import java.util.ArrayList;
import java.util.List;
import sdp.keyed.Bytes;

/**
 * The pairs of one key that are provisional: an entry of its own, which is there while there are
 * any.
 *
 * <p>Payload: how many (4 bytes), and for each both times and both values (8 each).
 */
final class Provisional {
  private static final int COUNT = 4;
  private static final int PAIR = 32;

  private final Entries entries;
  private final List<Pair> pairs = new ArrayList<>();
  private boolean isRead;
  private boolean changed;

  Provisional(Entries entries) {
    this.entries = entries;
  }

  /** Another key is selected. */
  void clear() {
    pairs.clear();
    isRead = false;
    changed = false;
  }

  /**
   * @param exist whether there are any
   */
  List<Pair> pairs(boolean exist) throws Exception {
    if (exist && !isRead && entries.find(Entries.PROVISIONAL, 0)) {
      byte[] bytes = entries.bytes();
      int at = entries.payloadAt() + COUNT;
      for (int left = Bytes.getInt(bytes, at - COUNT); left > 0; left--, at += PAIR) {
        pairs.add(read(bytes, at));
      }
    }
    isRead = true;
    return pairs;
  }

  private static Pair read(byte[] bytes, int at) {
    return new Pair(
        Bytes.getLong(bytes, at),
        Double.longBitsToDouble(Bytes.getLong(bytes, at + 8)),
        Bytes.getLong(bytes, at + 16),
        Double.longBitsToDouble(Bytes.getLong(bytes, at + 24)));
  }

  void add(Pair pair) {
    pairs.add(pair);
    changed = true;
  }

  void replace(List<Pair> with) {
    pairs.clear();
    pairs.addAll(with);
    changed = true;
  }

  /** A pair is final now. */
  void remove(Pair pair) {
    changed |= pairs.removeIf(pair::hasTimesOf);
  }

  /** Writes what has changed; returns whether there are any. */
  boolean store(boolean existed, long dueAt) throws Exception {
    if (!changed) {
      return existed;
    }
    if (pairs.isEmpty()) {
      entries.remove(Entries.PROVISIONAL, 0);
    } else {
      byte[] payload = write();
      entries.find(Entries.PROVISIONAL, 0);
      entries.put(payload, payload.length, dueAt);
    }
    return !pairs.isEmpty();
  }

  private byte[] write() {
    byte[] to = new byte[COUNT + pairs.size() * PAIR];
    Bytes.putInt(to, 0, pairs.size());
    int at = COUNT;
    for (Pair pair : pairs) {
      Bytes.putLong(to, at, pair.rTime());
      Bytes.putLong(to, at + 8, Double.doubleToRawLongBits(pair.r()));
      Bytes.putLong(to, at + 16, pair.sTime());
      Bytes.putLong(to, at + 24, Double.doubleToRawLongBits(pair.s()));
      at += PAIR;
    }
    return to;
  }
}
