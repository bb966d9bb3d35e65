package sdp.functions;

import java.io.Serializable;

/**
 * The rules of a correlation, for records of any kind: which stages of a key belong together, and
 * when nothing can change that any more. Knows neither Flink nor a clock: times and the watermark
 * are passed in, in epoch milliseconds.
 *
 * <p>The first stage anchors a key: every other stage matches if it lies within the window around
 * the anchor and all stages before it match. A key closes once the watermark has passed anchor +
 * window + lateness; from then on every record that could have matched is late, which is why the
 * order of arrival makes no difference.
 *
 * @param stages how many ordered stages a key has
 * @param window how far from the first stage the others may lie
 * @param lateness how far behind the watermark a record may be
 */
record Correlation(int stages, long window, long lateness) implements Serializable {

  /** The watermark before there is one. */
  static final long NO_WATERMARK = Long.MIN_VALUE;

  /** Receives outcomes; {@code record} is null for {@link Outcome#CLOSED}. */
  interface Sink<R> {
    void emit(Outcome outcome, int stage, R record);
  }

  /** What is known of one key. */
  static class Key<R> {
    /** The event time of each stage that is there. */
    final long[] times;

    /** The records that wait for an earlier stage. */
    private final Object[] pending;

    /** One bit for each stage that is there. */
    int seen;

    /** The stages before this one have matched. */
    int matched;

    Key(int stages) {
      times = new long[stages];
      pending = new Object[stages];
    }

    @SuppressWarnings("unchecked")
    R pending(int stage) {
      return (R) pending[stage];
    }

    boolean has(int stage) {
      return (seen & 1 << stage) != 0;
    }

    void put(int stage, R record) {
      pending[stage] = record;
    }

    void add(int stage, long time, R record) {
      seen |= 1 << stage;
      times[stage] = time;
      put(stage, record);
    }
  }

  /** Whether a record of this time comes too late to be looked at. */
  boolean isLate(long time, long watermark) {
    return watermark != NO_WATERMARK && time < watermark - lateness;
  }

  /** Takes a record that is not late, of a key that is not closed. */
  <R> void accept(Key<R> key, int stage, long time, R record, Sink<R> sink) {
    if (key.has(stage)) {
      sink.emit(Outcome.DUPLICATE, stage, record);
      return;
    }
    key.add(stage, time, record);
    match(key, sink);
  }

  /** Whether nothing that arrives at this watermark, or later, can belong to the key any more. */
  boolean isClosed(Key<?> key, long watermark) {
    return watermark >= closesAt(key);
  }

  /** Tells what becomes of a closed key; it is to be forgotten then. */
  <R> void close(Key<R> key, Sink<R> sink) {
    for (int stage = key.matched; stage < stages; stage++) {
      if (key.has(stage)) {
        sink.emit(Outcome.UNMATCHED, stage, key.pending(stage));
      }
    }
    if (key.matched > 0) {
      sink.emit(Outcome.CLOSED, 0, null);
    }
  }

  /** The first watermark at which every record that could still match is late. */
  long closesAt(Key<?> key) {
    return anchor(key) + window + lateness + 1;
  }

  private <R> void match(Key<R> key, Sink<R> sink) {
    while (key.matched < stages && key.has(key.matched) && isWithinWindow(key, key.matched)) {
      int stage = key.matched++;
      R record = key.pending(stage);
      key.put(stage, null);
      sink.emit(Outcome.MATCHED, stage, record);
    }
  }

  private boolean isWithinWindow(Key<?> key, int stage) {
    return Math.abs(key.times[stage] - key.times[0]) <= window;
  }

  /** The first stage's time; without it the least of all, which it would have to be near. */
  private long anchor(Key<?> key) {
    if (key.has(0)) {
      return key.times[0];
    }
    long least = Long.MAX_VALUE;
    for (int stage = 1; stage < stages; stage++) {
      if (key.has(stage)) {
        least = Math.min(least, key.times[stage]);
      }
    }
    return least;
  }
}
