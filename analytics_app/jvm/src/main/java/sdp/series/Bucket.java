package sdp.series;

import java.util.Arrays;
import sdp.keyed.Bytes;

/**
 * The samples of one key within {@link #WIDTH} of time, ordered by time and side: at most one for
 * each millisecond of each series.
 *
 * <p>Payload: the number of samples (2 bytes), then for each the time from the bucket's start (2),
 * the side (1) and the value (8).
 */
final class Bucket {
  /** Milliseconds. A larger one makes the list of buckets shorter, and each change dearer. */
  static final long WIDTH = 500;

  private static final int COUNT = 2;
  private static final int SAMPLE = 11;

  final long number;
  private long[] keys = new long[4];
  private double[] values = new double[4];
  private int size;
  private boolean changed;

  private Bucket(long number) {
    this.number = number;
  }

  static Bucket empty(long number) {
    return new Bucket(number);
  }

  static Bucket read(long number, byte[] bytes, int at) {
    Bucket bucket = new Bucket(number);
    bucket.ensure(Bytes.getShort(bytes, at));
    bucket.size = Bytes.getShort(bytes, at);
    for (int i = 0, from = at + COUNT; i < bucket.size; i++, from += SAMPLE) {
      long time = number * WIDTH + Bytes.getShort(bytes, from);
      bucket.keys[i] = key(time, bytes[from + 2]);
      bucket.values[i] = Double.longBitsToDouble(Bytes.getLong(bytes, from + 3));
    }
    return bucket;
  }

  static long numberOf(long time) {
    return Math.floorDiv(time, WIDTH);
  }

  /** Sorts by time, then side. */
  private static long key(long time, int side) {
    return time << 1 | side;
  }

  int size() {
    return size;
  }

  boolean isChanged() {
    return changed;
  }

  long time(int index) {
    return keys[index] >> 1;
  }

  int side(int index) {
    return (int) keys[index] & 1;
  }

  double value(int index) {
    return values[index];
  }

  /** The first sample at or after a time; {@link #size} if there is none. */
  int from(long time) {
    if (time <= number * WIDTH) {
      return 0;
    }
    int found = Arrays.binarySearch(keys, 0, size, key(time, Side.R));
    return found >= 0 ? found : -found - 1;
  }

  /** Where a sample is; negative if there is none. */
  int find(long time, int side) {
    return Arrays.binarySearch(keys, 0, size, key(time, side));
  }

  void replace(int index, double value) {
    values[index] = value;
    changed = true;
  }

  void add(long time, int side, double value) {
    int at = -find(time, side) - 1;
    ensure(size + 1);
    System.arraycopy(keys, at, keys, at + 1, size - at);
    System.arraycopy(values, at, values, at + 1, size - at);
    keys[at] = key(time, side);
    values[at] = value;
    size++;
    changed = true;
  }

  private void ensure(int wanted) {
    if (wanted > keys.length) {
      int length = Math.max(wanted, keys.length * 2);
      keys = Arrays.copyOf(keys, length);
      values = Arrays.copyOf(values, length);
    }
  }

  /** Writes the payload; returns the bytes, of which {@link #bytes} are used. */
  byte[] write(byte[] buffer) {
    byte[] to = buffer.length < bytes() ? new byte[bytes() * 2] : buffer;
    Bytes.putShort(to, 0, size);
    for (int i = 0, at = COUNT; i < size; i++, at += SAMPLE) {
      Bytes.putShort(to, at, (int) (time(i) - number * WIDTH));
      to[at + 2] = (byte) side(i);
      Bytes.putLong(to, at + 3, Double.doubleToRawLongBits(values[i]));
    }
    changed = false;
    return to;
  }

  int bytes() {
    return COUNT + size * SAMPLE;
  }
}
