package sdp.kinesis.stream;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** How long to wait before the next attempt: longer with each failure in a row, never the same. */
public final class Backoff {
  /** The wait after one failure is at most this long. */
  public static final Duration FIRST = Duration.ofMillis(100);

  /** No wait is longer. */
  public static final Duration MAX = Duration.ofSeconds(5);

  private Backoff() {}

  /**
   * Half of the doubled wait and a random part of the other half: readers that were throttled
   * together do not come back together.
   *
   * @param failures in a row, 1 or more
   */
  public static Duration after(int failures) {
    long doubled = FIRST.toNanos() << Math.min(failures - 1, 10);
    long most = Math.min(doubled, MAX.toNanos());
    return Duration.ofNanos(ThreadLocalRandom.current().nextLong(most / 2, most + 1));
  }
}
