package sdp.keyed;

import java.util.Arrays;

/**
 * Entries of the keys of one key group that are due together. What is appended is open until it is
 * flushed; a flushed chunk is in the state, and on the heap as well while there is room.
 */
final class Log {
  static final int MAX_CHUNKS = 1000;
  private static final int COUNT_BITS = 20;
  private static final byte[] NOTHING = {};
  private static final byte[][] NO_CHUNKS = {};
  private static final int[] NO_NAMES = {};

  final KeyGroup group;
  final long due;

  /** Identifies the log in positions; used again once the log is closed. */
  final int number;

  /** The number of its first chunk among all with this due time. */
  final int firstChunk;

  private byte[][] chunks = NO_CHUNKS;
  private int[] names = NO_NAMES;
  private int count;
  private byte[] open = NOTHING;
  private int end;
  private boolean restored;

  Log(KeyGroup group, long due, int number, int firstChunk) {
    this.group = group;
    this.due = due;
    this.number = number;
    this.firstChunk = firstChunk;
  }

  boolean isRestored() {
    return restored;
  }

  void setRestored() {
    restored = true;
  }

  int count() {
    return count;
  }

  boolean isFull() {
    return count >= MAX_CHUNKS;
  }

  /** Whether anything with this due time is in the state. */
  boolean isStored() {
    return firstChunk + count > 0;
  }

  byte[] open() {
    return open;
  }

  int end() {
    return end;
  }

  /** Makes room for an entry at the end of what is open; returns where. */
  int extend(int length) {
    if (end + length > open.length) {
      open = Arrays.copyOf(open, Math.max(end + length, Math.max(512, open.length * 2)));
    }
    end += length;
    return end - length;
  }

  /** Takes back what was appended from there on. */
  void truncate(int to) {
    end = to;
  }

  void clear() {
    open = NOTHING;
    end = 0;
  }

  /** Notes a chunk that is in the state. */
  int add(byte[] chunk) {
    if (count == chunks.length) {
      chunks = Arrays.copyOf(chunks, Math.max(4, count * 2));
    }
    chunks[count] = chunk;
    return count++;
  }

  /** A chunk, if it is on the heap. */
  byte[] chunk(int index) {
    return chunks[index];
  }

  void keep(int index, byte[] chunk) {
    chunks[index] = chunk;
  }

  /** What the group calls a chunk, so that a {@link ColdIndex} can; 0 if it has no name. */
  int name(int index) {
    return index < names.length ? names[index] : 0;
  }

  void setName(int index, int name) {
    if (index >= names.length) {
      names = Arrays.copyOf(names, chunks.length);
    }
    names[index] = name;
  }

  /** The number of a chunk in the state. */
  long stored(int index) {
    return stored(due, firstChunk + index);
  }

  static long stored(long due, int chunk) {
    if (chunk >>> COUNT_BITS != 0) {
      throw new IllegalStateException("A log has more than %d chunks".formatted(1 << COUNT_BITS));
    }
    return due << COUNT_BITS | chunk;
  }

  static long due(long stored) {
    return stored >> COUNT_BITS;
  }

  static int chunk(long stored) {
    return (int) stored & (1 << COUNT_BITS) - 1;
  }
}
