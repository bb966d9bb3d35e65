package sdp.keyed;

/**
 * The open keys of a key group: an open-addressing table from a hash to the position of the key's
 * newest entry. A slot has 50 bits of the hash; keys that agree in all of them are distinguished by
 * their entries. Twelve bytes a slot, at most three of four in use.
 */
final class Index {
  private static final long FREE = 0;
  private static final long POSITION = (1L << Position.BITS) - 1;

  private int[] hashes = new int[16];
  private long[] slots = new long[16];
  private int size;

  int size() {
    return size;
  }

  int capacity() {
    return slots.length;
  }

  /** What a table of that capacity takes of the heap. */
  static long bytes(long capacity) {
    return HeapBudget.footprint(capacity * Integer.BYTES)
        + HeapBudget.footprint(capacity * Long.BYTES);
  }

  /** The first slot with that hash; -1 if there is none. */
  int find(long hash) {
    return scan(hash, home((int) hash));
  }

  /** The next slot with that hash behind a slot; -1 if there is none. */
  int next(long hash, int slot) {
    return scan(hash, following(slot));
  }

  private int scan(long hash, int from) {
    int low = (int) hash;
    long high = high(hash);
    for (int slot = from; slots[slot] != FREE; slot = following(slot)) {
      if (hashes[slot] == low && (slots[slot] & ~POSITION) == high) {
        return slot;
      }
    }
    return -1;
  }

  /** The slot of an entry; -1 if it is not the newest of its key. */
  int find(long hash, long position) {
    int slot = find(hash);
    while (slot >= 0 && position(slot) != position) {
      slot = next(hash, slot);
    }
    return slot;
  }

  /** The position in a slot; 0 if it is free. */
  long position(int slot) {
    return slots[slot] & POSITION;
  }

  /** The 50 bits of the hash in a slot. */
  long hash(int slot) {
    return slots[slot] >>> Position.BITS << 32 | hashes[slot] & 0xFFFFFFFFL;
  }

  void move(int slot, long position) {
    slots[slot] = slots[slot] & ~POSITION | position;
  }

  /** Adds a key; the table must have room. */
  int add(long hash, long position) {
    size++;
    return insert((int) hash, high(hash) | position);
  }

  boolean isFull() {
    return (size + 1) * 4L > slots.length * 3L;
  }

  /** The capacity after it has grown. */
  long grown() {
    return slots.length + slots.length / 2;
  }

  /** Makes the table half as large again. */
  void grow() {
    int[] before = hashes;
    long[] moved = slots;
    hashes = new int[before.length + before.length / 2];
    slots = new long[hashes.length];
    for (int slot = 0; slot < before.length; slot++) {
      if (moved[slot] != FREE) {
        insert(before[slot], moved[slot]);
      }
    }
  }

  private int insert(int low, long value) {
    int slot = home(low);
    while (slots[slot] != FREE) {
      slot = following(slot);
    }
    hashes[slot] = low;
    slots[slot] = value;
    return slot;
  }

  /** Removes a key; those behind it that belong further forward move up. */
  void remove(int slot) {
    size--;
    int hole = slot;
    for (int i = following(hole); slots[i] != FREE; i = following(i)) {
      if (distance(home(hashes[i]), i) >= distance(hole, i)) {
        hashes[hole] = hashes[i];
        slots[hole] = slots[i];
        hole = i;
      }
    }
    slots[hole] = FREE;
  }

  private int home(int low) {
    return (int) ((low & 0xFFFFFFFFL) * slots.length >>> 32);
  }

  private int following(int slot) {
    return slot + 1 == slots.length ? 0 : slot + 1;
  }

  private int distance(int from, int to) {
    return to >= from ? to - from : to - from + slots.length;
  }

  private static long high(long hash) {
    return hash >>> 32 << Position.BITS;
  }
}
