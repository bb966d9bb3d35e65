package sdp.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class WakingTest {
  private static final int GROUPS = 128;
  private static final long NOW = 1_790_000_000_123L;
  private static final long DAY = 86_400_000;

  @Test
  void aKeyIsLookedAtInTimeAndNeverAgainAtTheSameInstant() {
    Random random = new Random(1);
    for (int i = 0; i < 100_000; i++) {
      long step = 1 + random.nextInt(200);
      int group = random.nextInt(GROUPS);
      long later = (long) Math.pow(2, random.nextDouble() * 62);
      long at = Waking.at(NOW + later, NOW, step, group, GROUPS);
      assertTrue(NOW < at && at <= NOW + later, "%d later, step %d".formatted(later, step));
    }
  }

  @Test
  void soonItIsLookedAtExactlyWhenItIsDue() {
    for (int later = 0; later <= Waking.LOGS; later++) {
      assertEquals(NOW + later, Waking.at(NOW + later, NOW, 1, 5, GROUPS));
    }
    assertEquals(NOW - 1, Waking.at(NOW - 1, NOW, 1, 5, GROUPS), "due before");
    assertEquals(7, Waking.at(7, Long.MIN_VALUE, 1, 5, GROUPS), "no watermark yet");
  }

  @Test
  void aKeyThatIsDueInAMonthIsLookedAtAFewTimes() {
    long now = NOW;
    int looks = 0;
    for (long due = NOW + 30 * DAY; now < due; looks++) {
      now = Waking.at(due, now, 1, 5, GROUPS);
    }
    assertTrue(looks <= 4, looks + " looks");
  }

  @Test
  void theKeysOfAMonthAreInFewLogs() {
    Set<Long> logs = new HashSet<>();
    for (long later = 1; later <= 30 * DAY; later += 1 + later / 5_000) {
      logs.add(Waking.at(NOW + later, NOW, 1, 5, GROUPS));
    }
    assertTrue(logs.size() <= 4 * (Waking.LOGS + 1), logs.size() + " logs");
  }

  /** A log of coarse steps has many keys: all groups at once would hold up what comes in. */
  @Test
  void groupsTakeTurns() {
    Set<Long> times = new HashSet<>();
    for (int group = 0; group < GROUPS; group++) {
      times.add(Waking.at(NOW + DAY, NOW, 1, group, GROUPS));
    }
    assertEquals(GROUPS, times.size());
  }
}
