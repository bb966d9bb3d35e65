package sdp.kinesis.stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Waits after failures, and how often they are reported. */
class BackoffTest {
  @Test
  void doublesUpToAMaximumAndKeepsHalfOfIt() {
    for (int failures = 1; failures <= 100; failures++) {
      long most = Math.min(100L << Math.min(failures - 1, 10), 5_000);
      long wait = Backoff.after(failures).toMillis();
      assertTrue(most / 2 <= wait && wait <= most, failures + ": " + wait);
    }
  }

  @Test
  void readersThatWereThrottledTogetherDoNotComeBackTogether() {
    long different = IntStream.range(0, 20).mapToObj(n -> Backoff.after(5)).distinct().count();
    assertTrue(different > 10, different + " different waits of 20");
  }

  @Test
  void aTroubleIsReportedOnceAMinuteWithItsCount() {
    Time time = new Time();
    OncePerMinute trouble = new OncePerMinute(time);
    List<Long> reports = new ArrayList<>();
    for (int second = 0; second < 130; second += 10) {
      time.now = Instant.ofEpochSecond(second);
      trouble.report(reports::add);
    }
    assertEquals(List.of(1L, 6L, 6L), reports);
  }

  private static final class Time extends Clock {
    private Instant now = Instant.EPOCH;

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneOffset getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }
}
