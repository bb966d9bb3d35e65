package sdp.kinesis.stream;

import java.time.Clock;
import java.time.Duration;
import java.util.function.LongConsumer;

/** Reports a repeated trouble at most once a minute, with how often it has happened since. */
public final class OncePerMinute {
  private static final long INTERVAL = Duration.ofMinutes(1).toMillis();

  private final Clock clock;
  private long next = Long.MIN_VALUE;
  private long count;

  public OncePerMinute(Clock clock) {
    this.clock = clock;
  }

  /** Counts one occurrence; {@code report} gets the count when it is time for a report. */
  public void report(LongConsumer report) {
    long due = take();
    if (due > 0) {
      report.accept(due);
    }
  }

  private synchronized long take() {
    count++;
    long now = clock.millis();
    if (now < next) {
      return 0;
    }
    long since = count;
    next = now + INTERVAL;
    count = 0;
    return since;
  }
}
