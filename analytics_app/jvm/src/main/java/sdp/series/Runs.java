package sdp.series;

import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/** A set of numbers, most of which follow each other: as runs, in their order. */
final class Runs {
  /** What is greater than all numbers. */
  static final long NONE = Long.MAX_VALUE;

  private long[] firsts = new long[8];
  private long[] lasts = new long[8];
  private int size;

  void clear() {
    size = 0;
  }

  /** The least number that is not less than this one; {@link #NONE} if there is none. */
  long from(long number) {
    int run = runFrom(number);
    return run < size ? Math.max(number, firsts[run]) : NONE;
  }

  /** The first run that ends at this number or behind it. */
  private int runFrom(long number) {
    int found = Arrays.binarySearch(lasts, 0, size, number);
    return found >= 0 ? found : -found - 1;
  }

  /** Adds a number that is not there. */
  void add(long number) {
    int run = runFrom(number);
    boolean extendsPrevious = run > 0 && lasts[run - 1] == number - 1;
    boolean extendsNext = run < size && firsts[run] == number + 1;
    if (extendsPrevious && extendsNext) {
      lasts[run - 1] = lasts[run];
      drop(run);
    } else if (extendsPrevious) {
      lasts[run - 1] = number;
    } else if (extendsNext) {
      firsts[run] = number;
    } else {
      insert(run, number);
    }
  }

  private void insert(int run, long number) {
    if (size == firsts.length) {
      firsts = Arrays.copyOf(firsts, size * 2);
      lasts = Arrays.copyOf(lasts, size * 2);
    }
    System.arraycopy(firsts, run, firsts, run + 1, size - run);
    System.arraycopy(lasts, run, lasts, run + 1, size - run);
    firsts[run] = number;
    lasts[run] = number;
    size++;
  }

  private void drop(int run) {
    size--;
    System.arraycopy(firsts, run + 1, firsts, run, size - run);
    System.arraycopy(lasts, run + 1, lasts, run, size - run);
  }

  /** Removes the least number. */
  void removeFirst() {
    if (firsts[0]++ == lasts[0]) {
      drop(0);
    }
  }

  void read(DataInputDeserializer in) throws IOException {
    clear();
    for (int left = in.readInt(); left > 0; left--) {
      insert(size, in.readLong());
      lasts[size - 1] += in.readInt();
    }
  }

  /**
   * Writes how many runs there are (4 bytes), and of each its start (8) and length less one (4).
   */
  void write(DataOutputSerializer out) throws IOException {
    out.writeInt(size);
    for (int run = 0; run < size; run++) {
      out.writeLong(firsts[run]);
      out.writeInt((int) (lasts[run] - firsts[run]));
    }
  }
}
