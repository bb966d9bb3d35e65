package sdp.series;

import java.util.HashMap;
import java.util.Map;

/**
 * The samples of one key that may still matter, in the order of their time; of one time r is before
 * s. Buckets are read when they are needed and written when they have changed.
 */
final class Timeline {
  private final Entries entries;
  private final Runs numbers = new Runs();
  private final Map<Long, Bucket> buckets = new HashMap<>();
  private byte[] buffer = new byte[512];

  Timeline(Entries entries) {
    this.entries = entries;
  }

  /** The numbers of the buckets, which the key's own entry has. */
  Runs numbers() {
    return numbers;
  }

  /** Another key is selected. */
  void clear() {
    numbers.clear();
    buckets.clear();
  }

  /** The bucket of a time, which is made if there is none. */
  Bucket bucketOf(long time) throws Exception {
    long number = Bucket.numberOf(time);
    if (numbers.from(number) == number) {
      return bucket(number);
    }
    numbers.add(number);
    Bucket made = Bucket.empty(number);
    buckets.put(number, made);
    return made;
  }

  private Bucket bucket(long number) throws Exception {
    Bucket bucket = buckets.get(number);
    if (bucket == null) {
      if (!entries.find(Entries.BUCKET, number)) {
        throw new IllegalStateException("The state has lost the samples of bucket " + number);
      }
      bucket = Bucket.read(number, entries.bytes(), entries.payloadAt());
      buckets.put(number, bucket);
    }
    return bucket;
  }

  /** Forgets buckets that end at or before a time. */
  void forgetBefore(long time) throws Exception {
    long first = Bucket.numberOf(time);
    for (long number = first(); number < first; number = first()) {
      entries.remove(Entries.BUCKET, number);
      buckets.remove(number);
      numbers.removeFirst();
    }
  }

  private long first() {
    return numbers.from(Long.MIN_VALUE);
  }

  /** Writes what has changed; {@code dueAt} is by when all of a bucket is forgotten. */
  void store(Due dueAt) throws Exception {
    for (Bucket bucket : buckets.values()) {
      if (bucket.isChanged()) {
        buffer = bucket.write(buffer);
        entries.find(Entries.BUCKET, bucket.number);
        entries.put(buffer, bucket.bytes(), dueAt.of((bucket.number + 1) * Bucket.WIDTH));
      }
    }
  }

  /** When an entry of a time is due. */
  interface Due {
    long of(long time);
  }

  /** The samples from a time on. */
  Cursor from(long time) throws Exception {
    return new Cursor(time);
  }

  /** Goes over samples in their order. */
  final class Cursor {
    private Bucket bucket;
    private int at;

    private Cursor(long time) throws Exception {
      select(numbers.from(Bucket.numberOf(time)));
      if (bucket != null) {
        at = bucket.from(time);
        skipEnds();
      }
    }

    private void select(long number) throws Exception {
      bucket = number == Runs.NONE ? null : bucket(number);
      at = 0;
    }

    private void skipEnds() throws Exception {
      while (bucket != null && at >= bucket.size()) {
        select(numbers.from(bucket.number + 1));
      }
    }

    /** Whether it is at a sample. */
    boolean isThere() {
      return bucket != null;
    }

    boolean isBefore(long end) {
      return bucket != null && bucket.time(at) < end;
    }

    long time() {
      return bucket.time(at);
    }

    int side() {
      return bucket.side(at);
    }

    double value() {
      return bucket.value(at);
    }

    void next() throws Exception {
      at++;
      skipEnds();
    }
  }
}
