package sdp.keyed;

/**
 * The keys of a key group whose entries are in the state and have not changed for a while, in six
 * and a half bytes each: twenty bits of the hash, and where the entry is. Keys are in buckets by
 * their hash, without free slots between them; once it is built none is added. Keys that agree in
 * bucket and bits are distinguished by their entries.
 *
 * <p>A place, where an entry is, is a number of 28 bits that is never 0: the chunk's number within
 * the key group (16 bits) and the offset in the chunk (12 bits, in units of {@link
 * Position#ALIGNMENT} bytes).
 */
final class ColdIndex {
  static final int OFFSET_BITS = 12;
  private static final int KEYS_IN_BUCKET = 8;
  private static final int GONE = 0;

  private int[] starts;
  private int[] places; // and the four lowest of the twenty bits
  private short[] bits;
  private int size;

  /**
   * The keys of an index whose entries have a place.
   *
   * @param placeOf the place for each slot of the index; 0 for a slot that is free or stays
   */
  ColdIndex(Index index, int[] placeOf) {
    int keys = 0;
    for (int place : placeOf) {
      keys += place == GONE ? 0 : 1;
    }
    starts = new int[keys / KEYS_IN_BUCKET + 2];
    places = new int[keys];
    bits = new short[keys];
    size = keys;
    fill(index, placeOf);
  }

  /** Counts the keys of each bucket; then each key goes to the end of its bucket's part. */
  private void fill(Index index, int[] placeOf) {
    for (int slot = 0; slot < placeOf.length; slot++) {
      if (placeOf[slot] != GONE) {
        starts[bucket(index.hash(slot)) + 1]++;
      }
    }
    for (int bucket = 1; bucket < starts.length; bucket++) {
      starts[bucket] += starts[bucket - 1];
    }
    int[] next = starts.clone();
    for (int slot = 0; slot < placeOf.length; slot++) {
      if (placeOf[slot] != GONE) {
        set(next[bucket(index.hash(slot))]++, index.hash(slot), placeOf[slot]);
      }
    }
  }

  private void set(int slot, long hash, int place) {
    int twenty = twenty(hash);
    places[slot] = place << 4 | twenty & 15;
    bits[slot] = (short) (twenty >>> 4);
  }

  int size() {
    return size;
  }

  long bytes() {
    return HeapBudget.footprint((long) starts.length * Integer.BYTES)
        + HeapBudget.footprint((long) places.length * Integer.BYTES)
        + HeapBudget.footprint((long) bits.length * Short.BYTES);
  }

  /** The first slot that may have that hash; -1 if there is none. */
  int find(long hash) {
    return scan(hash, starts[bucket(hash)]);
  }

  /** The next one behind a slot; -1 if there is none. */
  int next(long hash, int slot) {
    return scan(hash, slot + 1);
  }

  private int scan(long hash, int from) {
    int end = starts[bucket(hash) + 1];
    int twenty = twenty(hash);
    for (int slot = from; slot < end; slot++) {
      if (bits[slot] == (short) (twenty >>> 4)
          && (places[slot] & 15) == (twenty & 15)
          && place(slot) != GONE) {
        return slot;
      }
    }
    return -1;
  }

  /** The slot of an entry; -1 if it is not here. */
  int find(long hash, int place) {
    int slot = find(hash);
    while (slot >= 0 && place(slot) != place) {
      slot = next(hash, slot);
    }
    return slot;
  }

  int place(int slot) {
    return places[slot] >>> 4;
  }

  void remove(int slot) {
    places[slot] = GONE;
    size--;
  }

  /** Whether most of its keys are gone. */
  boolean isSparse() {
    return size < places.length / 2;
  }

  /** Gives back the room of the keys that are gone; the slots of the others change. */
  void compact() {
    int to = 0;
    int[] keptPlaces = new int[size];
    short[] keptBits = new short[size];
    for (int bucket = 0; bucket + 1 < starts.length; bucket++) {
      int from = starts[bucket];
      starts[bucket] = to;
      for (int slot = from; slot < starts[bucket + 1]; slot++) {
        if (place(slot) != GONE) {
          keptPlaces[to] = places[slot];
          keptBits[to++] = bits[slot];
        }
      }
    }
    starts[starts.length - 1] = to;
    places = keptPlaces;
    bits = keptBits;
  }

  private int bucket(long hash) {
    return (int) ((hash & 0xFFFFFFFFL) * (starts.length - 1) >>> 32);
  }

  /** Bits that the bucket does not depend on, of the fifty that an {@link Index} has of a hash. */
  private static int twenty(long hash) {
    return (int) (hash >>> 32) & 0x3FFFF | ((int) hash & 3) << 18;
  }
}
