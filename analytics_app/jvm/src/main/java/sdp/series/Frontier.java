package sdp.series;

import java.io.IOException;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import sdp.series.Timeline.Cursor;

/**
 * How far the samples of a key are joined: the time up to which, and the last sample of each series
 * before it. All rules of the join are here.
 *
 * <p>A sample waits while no sample of the other series is known at or after it: its next one is
 * open. Only samples of one series wait, and they are the last ones.
 */
final class Frontier {
  static final long NONE = Long.MIN_VALUE;

  private final long[] times = new long[2];
  private final double[] values = new double[2];

  /** All samples before it are joined. */
  private long end;

  void clear() {
    end = NONE;
    times[Side.R] = NONE;
    times[Side.S] = NONE;
  }

  void copy(Frontier other) {
    end = other.end;
    System.arraycopy(other.times, 0, times, 0, 2);
    System.arraycopy(other.values, 0, values, 0, 2);
  }

  long end() {
    return end;
  }

  /** What was joined from here on is to be joined again. */
  void reset() {
    end = NONE;
  }

  /**
   * Joins the samples up to a time.
   *
   * @param paired those that waited up to this time have their next sample already
   * @param distance how far apart a pair may be
   */
  void advance(
      Timeline samples,
      long to,
      long paired,
      long distance,
      Pair.Pairs pairs,
      Pair.Durations durations)
      throws Exception {
    Joining joining = new Joining(samples, paired, distance, pairs);
    Cursor cursor = samples.from(end);
    while (cursor.isBefore(to)) {
      long time = cursor.time();
      int side = cursor.side();
      double value = cursor.value();
      cursor.next();
      holdUntil(time, distance, durations);
      boolean isTie = side == Side.R && cursor.isBefore(time + 1);
      joining.take(side, time, value, isTie);
      if (isTie) {
        double other = cursor.value();
        cursor.next();
        joining.take(Side.S, time, other, true);
        joining.add(Side.R, time, value, time, other);
        note(Side.S, time, other);
      }
      note(side, time, value);
    }
    end = to;
  }

  /** The last samples of both series, if they are a pair, were the newest ones until a time. */
  void holdUntil(long time, long distance, Pair.Durations durations) {
    long r = times[Side.R];
    long s = times[Side.S];
    if (r != NONE && s != NONE && Math.abs(r - s) <= distance) {
      long from = Math.max(r, s);
      long lasting = Math.min(time, from + distance) - from;
      durations.add(new Pair(r, values[Side.R], s, values[Side.S]), lasting);
    }
  }

  private void note(int side, long time, double value) {
    times[side] = time;
    values[side] = value;
  }

  private boolean waits(int side) {
    return times[side] > times[Side.other(side)];
  }

  /**
   * Pairs what waits with its next sample, which is behind the frontier: no other of its series can
   * come before it.
   *
   * @param leader the series that is known further
   * @param to how far
   * @return up to which time what waits has its next sample now
   */
  long pairAhead(
      Timeline samples, int leader, long to, long paired, long distance, Pair.Pairs pairs)
      throws Exception {
    int side = Side.other(leader);
    if (!waits(side) || times[side] <= paired) {
      return paired;
    }
    for (Cursor next = samples.from(end); next.isBefore(to); next.next()) {
      if (next.side() == leader) {
        new Joining(samples, paired, distance, pairs)
            .takeWaiting(leader, next.time(), next.value());
        return times[side];
      }
    }
    return paired;
  }

  /** The first time of a sample that waits, or else the frontier: all before it is over. */
  long neededFrom(long paired, long distance) {
    if (end == NONE || end == Long.MAX_VALUE) {
      return end;
    }
    int side = waits(Side.R) ? Side.R : Side.S;
    if (!waits(side) || times[side] <= paired) {
      return end;
    }
    return Math.max(Math.max(times[Side.other(side)], paired) + 1, end - distance);
  }

  /** One pass over samples, with what is the same for all of them. */
  private final class Joining {
    private final Timeline samples;
    private final long paired;
    private final long distance;
    private final Pair.Pairs pairs;

    Joining(Timeline samples, long paired, long distance, Pair.Pairs pairs) {
      this.samples = samples;
      this.paired = paired;
      this.distance = distance;
      this.pairs = pairs;
    }

    /** The sample is the next one of those that wait; the one before it is its previous one. */
    void take(int side, long time, double value, boolean isTie) throws Exception {
      int other = Side.other(side);
      if (waits(other)) {
        takeWaiting(side, time, value);
      } else if (!isTie && times[other] != NONE) {
        add(side, time, value, times[other], values[other]);
      }
    }

    /** The last of those that wait is the sample's previous one, too. */
    void takeWaiting(int side, long time, double value) throws Exception {
      int other = Side.other(side);
      long first = Math.max(Math.max(times[side], paired) + 1, time - distance);
      for (Cursor each = samples.from(first); each.isBefore(times[other] + 1); each.next()) {
        if (each.side() == other) {
          add(side, time, value, each.time(), each.value());
        }
      }
    }

    void add(int side, long time, double value, long otherTime, double other) {
      if (time - otherTime <= distance) {
        pairs.add(
            side == Side.R
                ? new Pair(time, value, otherTime, other)
                : new Pair(otherTime, other, time, value));
      }
    }
  }

  void read(DataInputDeserializer in) throws IOException {
    end = in.readLong();
    for (int side = Side.R; side <= Side.S; side++) {
      times[side] = in.readLong();
      values[side] = in.readDouble();
    }
  }

  void write(DataOutputSerializer out) throws IOException {
    out.writeLong(end);
    for (int side = Side.R; side <= Side.S; side++) {
      out.writeLong(times[side]);
      out.writeDouble(values[side]);
    }
  }
}
