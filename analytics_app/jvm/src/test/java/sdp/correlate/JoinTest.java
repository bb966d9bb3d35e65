package sdp.correlate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import sdp.correlate.Run.Circumstances;
import sdp.functions.Oracle;
import sdp.functions.Oracle.Arrival;
import sdp.functions.Oracle.Result;

/**
 * The join against the definition: random histories with competitors, ties, late records, failures
 * and other parallelism after them. {@code -Dsdp.histories=20000} is the long form.
 */
class JoinTest {
  private static final int HISTORIES = Integer.getInteger("sdp.histories", 2_000);
  static final long NONE = -1_000_000;

  @Test
  void anyHistoryEndsAsTheDefinitionSays() throws Exception {
    Random random = new Random(20261126);
    for (int history = 0; history < HISTORIES; history++) {
      History each = History.any(random);
      assertEquals(each.expected(), each.run(new Run.Parts()), each::toString);
    }
  }

  @Test
  void aKeyThatIsFloodedKeepsABoundedNumberOfRecordsAndRefusesTheOthers() throws Exception {
    List<Arrival> arrivals = new ArrayList<>();
    for (int id = 0; id < 3_000; id++) {
      arrivals.add(new Arrival(id, "key", 1, id, NONE));
    }
    arrivals.add(new Arrival(3_000, "key", 0, 0, NONE));
    Circumstances failing = new Circumstances(1 << 22, 1 << 17, 1 << 20, 2, 1);
    List<Result> results = Run.run(Run.layout(2, 5_000, 1000), arrivals, failing);
    assertEquals(3_001 + 1, results.size());
    assertEquals(2, count(results, Outcome.MATCHED));
    long waited = 1 + count(results, Outcome.DUPLICATE);
    assertEquals(3_000 - waited, count(results, Outcome.UNMATCHED));
    int bytes = 32 + 8 + 4 * 8 + 3; // of a record: header, columns, their slots, the key
    assertEquals(KeyState.MAX_WAITING_BYTES / bytes, waited, 1);
  }

  private static long count(List<Result> results, Outcome outcome) {
    return results.stream().filter(r -> r.outcome() == outcome).count();
  }

  /** The first records after it are all that came before, sent again; most keys have closed. */
  @Test
  void aRestartAtAnyMomentWithEverythingSentAgainChangesNoOutcome() throws Exception {
    Random random = new Random(7);
    for (int history = 0; history < HISTORIES / 10; history++) {
      History each = History.any(random);
      for (int moment = 0; moment < each.arrivals().size(); moment++) {
        History again = each.again(moment, random.nextBoolean());
        assertEquals(again.expected(), again.restarted(moment), again::toString);
      }
    }
  }

  /** One random history and what may not make a difference to it. */
  record History(Layout layout, List<Arrival> arrivals, Circumstances circumstances, long seed) {
    static History any(Random random) {
      int stages = 1 + random.nextInt(4);
      Layout layout = Run.layout(stages, random.nextInt(12), random.nextInt(12));
      List<Arrival> events = new ArrayList<>();
      int count = 1 + random.nextInt(40);
      int keys = 1 + random.nextInt(4);
      for (int id = 0; id < count; id++) {
        String key = "key " + random.nextInt(keys);
        // time goes on, so that keys close on the way
        long time = id * random.nextInt(3) / 2 + random.nextInt(20);
        events.add(new Arrival(id, key, random.nextInt(stages), time, NONE));
      }
      List<Arrival> arrivals = watermarked(events, random.nextInt(10));
      return new History(layout, arrivals, Circumstances.any(random), random.nextLong());
    }

    List<Result> expected() {
      return sorted(Oracle.expected(layout.window(), layout.lateness(), arrivals));
    }

    /** Up to a moment, then that part once more, or in reverse, then the rest. */
    History again(int moment, boolean reversed) {
      long watermark = arrivals.get(moment).watermark();
      List<Arrival> before = arrivals.subList(0, moment);
      List<Arrival> all = new ArrayList<>(before);
      for (int index = 0; index < moment; index++) {
        Arrival a = before.get(reversed ? moment - 1 - index : index);
        all.add(new Arrival(a.id() + 1_000, a.key(), a.stage(), a.time(), watermark));
      }
      all.addAll(arrivals.subList(moment, arrivals.size()));
      return new History(layout, all, circumstances, seed);
    }

    List<Result> restarted(int moment) throws Exception {
      return sorted(Run.restarted(layout, arrivals, circumstances, moment, seed));
    }

    List<Result> run(Run.Parts parts) throws Exception {
      return sorted(Run.run(layout, arrivals, circumstances, parts, seed));
    }
  }

  /** The watermark of a source: the largest time so far minus a delay. */
  private static List<Arrival> watermarked(List<Arrival> events, long delay) {
    List<Arrival> arrivals = new ArrayList<>();
    long watermark = NONE;
    for (Arrival a : events) {
      arrivals.add(new Arrival(a.id(), a.key(), a.stage(), a.time(), watermark));
      watermark = Math.max(watermark, a.time() - delay);
    }
    return arrivals;
  }

  private static List<Result> sorted(List<Result> results) {
    return results.stream().sorted(Comparator.comparing(Result::toString)).toList();
  }
}
