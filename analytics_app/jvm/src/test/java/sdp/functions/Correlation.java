package sdp.functions;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import sdp.correlate.Outcome;

/**
 * The rules of a correlation, for records of any kind, to be read: which stages of a key belong
 * together, and when nothing can change that any more. Knows neither Flink nor a clock: times and
 * the watermark are passed in, in epoch milliseconds. The operator is held to them.
 *
 * <p>The first stage anchors a key: a record of another stage can match if it is within the window
 * around the anchor; of those that can, the first has its stage, and it matches once all stages
 * before it do. A record that cannot match takes no stage and waits, as all do while there is no
 * anchor: the next anchor may be near it. A key closes once the watermark has passed anchor +
 * window + lateness, and a record without a stage is unmatched once it has passed the record's own
 * time + window + lateness; from then on every record that could have matched is late, which is why
 * the order of arrival makes no difference but between records of one stage.
 *
 * @param stages how many ordered stages a key has
 * @param window how far from the first stage the others may be
 * @param lateness how far behind the watermark a record may be
 */
record Correlation(int stages, long window, long lateness) implements Serializable {

  /** The watermark before there is one. */
  static final long NO_WATERMARK = Long.MIN_VALUE;

  /** Receives outcomes; {@code record} is null for {@link Outcome#CLOSED}. */
  interface Sink<R> {
    void emit(Outcome outcome, int stage, R record);
  }

  /** A record that has not matched; with or without a stage of the key. */
  static final class Waiting<R> {
    final int stage;
    final long time;
    final R record;
    boolean placed;

    Waiting(int stage, long time, R record, boolean placed) {
      this.stage = stage;
      this.time = time;
      this.record = record;
      this.placed = placed;
    }
  }

  /** What is known of one key. */
  static class Key<R> {
    /** The event time of each stage that has its record. */
    final long[] times;

    final List<Waiting<R>> waiting = new ArrayList<>();

    /** One bit for each stage that has its record. */
    int seen;

    /** The stages before this one have matched. */
    int matched;

    Key(int stages) {
      times = new long[stages];
    }

    boolean has(int stage) {
      return (seen & 1 << stage) != 0;
    }

    boolean isEmpty() {
      return seen == 0 && waiting.isEmpty();
    }

    void place(Waiting<R> record) {
      record.placed = true;
      seen |= 1 << record.stage;
      times[record.stage] = record.time;
    }

    /** The first stage and what has matched are over. */
    void removeFirst() {
      seen = 0;
      matched = 0;
    }
  }

  /** Whether a record of this time comes too late to be looked at. */
  boolean isLate(long time, long watermark) {
    return watermark != NO_WATERMARK && time < watermark - lateness;
  }

  /** Takes a record that is not late, of a key of which all that is over has expired. */
  <R> void accept(Key<R> key, int stage, long time, R record, Sink<R> sink) {
    boolean fits = stage == 0 || key.has(0) && isWithinWindow(key, time);
    if (fits ? key.has(stage) : isRepeated(key, stage, time)) {
      sink.emit(Outcome.DUPLICATE, stage, record);
      return;
    }
    Waiting<R> added = new Waiting<>(stage, time, record, false);
    key.waiting.add(added);
    if (fits) {
      key.place(added);
    }
    if (stage == 0) {
      placeWaiting(key, sink);
    }
    match(key, sink);
  }

  /** Decides what nothing that arrives at this watermark, or later, can change any more. */
  <R> void expire(Key<R> key, long watermark, Sink<R> sink) {
    boolean closed = key.has(0) && isOver(key.times[0], watermark);
    key.waiting.removeIf(
        waiting -> {
          boolean over = waiting.placed ? closed : isOver(waiting.time, watermark);
          if (over) {
            sink.emit(Outcome.UNMATCHED, waiting.stage, waiting.record);
          }
          return over;
        });
    if (closed) {
      sink.emit(Outcome.CLOSED, 0, null);
      key.removeFirst();
    }
  }

  /** The first watermark at which something of the key is to be decided. */
  long closesAt(Key<?> key) {
    long at = key.has(0) ? overAt(key.times[0]) : Long.MAX_VALUE;
    for (Waiting<?> waiting : key.waiting) {
      at = waiting.placed ? at : Math.min(at, overAt(waiting.time));
    }
    return at;
  }

  private boolean isOver(long time, long watermark) {
    return watermark >= overAt(time);
  }

  private long overAt(long time) {
    return time + window + lateness + 1;
  }

  private boolean isWithinWindow(Key<?> key, long time) {
    return Math.abs(time - key.times[0]) <= window;
  }

  /** Two records of one stage and time can both match, or neither. */
  private static boolean isRepeated(Key<?> key, int stage, long time) {
    return key.waiting.stream().anyMatch(w -> !w.placed && w.stage == stage && w.time == time);
  }

  private <R> void placeWaiting(Key<R> key, Sink<R> sink) {
    key.waiting.removeIf(
        waiting -> {
          if (waiting.placed || !isWithinWindow(key, waiting.time)) {
            return false;
          }
          boolean taken = key.has(waiting.stage);
          if (taken) {
            sink.emit(Outcome.DUPLICATE, waiting.stage, waiting.record);
          } else {
            key.place(waiting);
          }
          return taken;
        });
  }

  private <R> void match(Key<R> key, Sink<R> sink) {
    while (key.matched < stages && key.has(key.matched)) {
      int stage = key.matched++;
      key.waiting.removeIf(
          waiting -> {
            boolean matches = waiting.placed && waiting.stage == stage;
            if (matches) {
              sink.emit(Outcome.MATCHED, stage, waiting.record);
            }
            return matches;
          });
    }
  }
}
