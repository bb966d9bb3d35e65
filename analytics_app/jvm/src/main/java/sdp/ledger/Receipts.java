package sdp.ledger;

import java.io.IOException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * The receipts of the newest minutes, by which a second copy of a record is known. The platform
 * stores a record again within seconds, so what is forgotten is minutes old: beyond {@link
 * #MAX_MINUTES} minutes of receipt or {@link #MAX_WORDS} words the minute that had no record for
 * the longest time. A word has 64 neighbouring receipts, so a request of 500 records takes at most
 * 9.
 */
public final class Receipts {
  static final int MAX_MINUTES = 16;
  static final int MAX_WORDS = 1 << 18;

  private static final long MINUTE = 60_000;

  /** In the order of their last record. */
  private final Map<Long, Words> minutes = new LinkedHashMap<>(32, 0.75f, true);

  private long start;
  private Words current;
  private int size;

  /** Notes a receipt; returns whether it is known already. */
  public boolean add(long received, long receipt) {
    if (current == null || received < start || received - start >= MINUTE) {
      start = received - Math.floorMod(received, MINUTE);
      current = minutes.computeIfAbsent(start, minute -> new Words());
      forget();
    }
    int before = current.size();
    boolean known = current.add(word(received, receipt), 1L << (receipt & 63));
    size += current.size() - before;
    return known;
  }

  /** Ids are unique within a millisecond. */
  private static long word(long received, long receipt) {
    long hash = (receipt >>> 6) * 0x9E3779B97F4A7C15L ^ received * 0xC2B2AE3D27D4EB4FL;
    hash = (hash ^ hash >>> 32) * 0xBF58476D1CE4E5B9L;
    hash ^= hash >>> 29;
    return hash == 0 ? 1 : hash;
  }

  private void forget() {
    Iterator<Words> eldest = minutes.values().iterator();
    while (minutes.size() > MAX_MINUTES || size > MAX_WORDS && minutes.size() > 1) {
      size -= eldest.next().size();
      eldest.remove();
    }
  }

  /** All of them, for a checkpoint. */
  public byte[] write() throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64 + 16 * size);
    for (Map.Entry<Long, Words> minute : minutes.entrySet()) {
      out.writeLong(minute.getKey());
      minute.getValue().write(out);
    }
    return out.getCopyOfBuffer();
  }

  /** Adds those that a subtask has written; the same again changes nothing. */
  public void restore(byte[] bytes) throws IOException {
    DataInputDeserializer in = new DataInputDeserializer(bytes);
    while (in.available() > 0) {
      Words words = minutes.computeIfAbsent(in.readLong(), minute -> new Words());
      size -= words.size();
      words.restore(in);
      size += words.size();
    }
    current = null;
    forget();
  }

  /** A map from words to the bits that are set in them; the word 0 is none. */
  private static final class Words {
    private long[] slots = new long[2 * 64];
    private int size;

    int size() {
      return size;
    }

    /** Sets bits; returns whether one of them was set. */
    boolean add(long word, long bits) {
      if (size * 4 >= slots.length) {
        grow();
      }
      int at = slot(word);
      if (slots[at] == 0) {
        slots[at] = word;
        size++;
      }
      boolean known = (slots[at + 1] & bits) != 0;
      slots[at + 1] |= bits;
      return known;
    }

    private int slot(long word) {
      int mask = slots.length - 1;
      int at = (int) word << 1 & mask;
      while (slots[at] != 0 && slots[at] != word) {
        at = at + 2 & mask;
      }
      return at;
    }

    private void grow() {
      long[] before = slots;
      slots = new long[before.length * 2];
      for (int at = 0; at < before.length; at += 2) {
        if (before[at] != 0) {
          int to = slot(before[at]);
          slots[to] = before[at];
          slots[to + 1] = before[at + 1];
        }
      }
    }

    void write(DataOutputSerializer out) throws IOException {
      out.writeInt(size);
      for (int at = 0; at < slots.length; at += 2) {
        if (slots[at] != 0) {
          out.writeLong(slots[at]);
          out.writeLong(slots[at + 1]);
        }
      }
    }

    void restore(DataInputDeserializer in) throws IOException {
      for (int left = in.readInt(); left > 0; left--) {
        add(in.readLong(), in.readLong());
      }
    }
  }
}
