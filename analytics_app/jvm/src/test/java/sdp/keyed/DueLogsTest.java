package sdp.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DueLogsTest {
  private final DueLogs logs = new DueLogs();

  @ParameterizedTest
  @ValueSource(longs = {1, 5, 5 << 16, 1L << 32})
  void anyHistoryLeavesWhatAMapWouldHave(long step) {
    Map<Long, Log> expected = new HashMap<>();
    List<Log> all = new ArrayList<>();
    Random random = new Random(step);
    for (int i = 0; i < 20_000; i++) {
      if (random.nextInt(5) < (i / 4_000 % 2 == 0 ? 3 : 1) || all.isEmpty()) {
        Log log = log((random.nextInt(1_000) - 500) * step);
        all.add(log);
        logs.put(log);
        expected.put(log.due, log);
      } else {
        Log log = all.remove(random.nextInt(all.size()));
        logs.remove(log);
        expected.remove(log.due, log);
      }
      if (i % 1_000 == 999) {
        for (long due = -600 * step; due <= 600 * step; due += step) {
          assertSame(expected.get(due), logs.get(due));
        }
      }
    }
  }

  @Test
  void logsThatComeAndGoTakeNoMoreRoomThanThoseThatAreThere() {
    KeyGroup group = new KeyGroup(0);
    Log kept = group.start(-1, 0);
    for (int due = 0; due < 100_000; due++) {
      Log log = group.start(due, 0);
      assertEquals(2, log.number);
      assertSame(log, group.log(due));
      group.drop(log);
      assertNull(group.log(due));
    }
    assertSame(kept, group.log(-1));
  }

  @Test
  void aLogThatIsBehindAFullOneStaysWhenThatIsDropped() {
    Log full = log(10);
    Log behind = log(10);
    logs.put(full);
    logs.put(behind);
    logs.remove(full);
    assertSame(behind, logs.get(10));
    logs.remove(behind);
    assertNull(logs.get(10));
  }

  private static Log log(long due) {
    return new Log(null, due, 1, 0);
  }
}
