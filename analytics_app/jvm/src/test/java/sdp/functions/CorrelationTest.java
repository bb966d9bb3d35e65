package sdp.functions;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import sdp.functions.Arrivals.Circumstances;
import sdp.functions.Oracle.Arrival;
import sdp.functions.Oracle.Result;

/** The rules, without Flink: one test for each outcome, then any order against the definition. */
class CorrelationTest {
  private static final Circumstances USUAL = Circumstances.USUAL;
  private static final int BID = 0;
  private static final int IMP = 1;
  private static final int CLICK = 2;
  private static final long NONE = -1_000_000;
  private static final Correlation RULES = new Correlation(3, 100, 50);

  @Test
  void aStageMatchesOnceAllEarlierOnesAreThere() throws Exception {
    assertEquals(
        List.of("matched 2", "matched 1", "matched 0", "closed -1"),
        outcomes(at(CLICK, 30), at(IMP, 20), at(BID, 10)));
  }

  @Test
  void aRepeatedStageIsADuplicate() throws Exception {
    assertEquals(
        List.of("matched 0", "duplicate 1", "closed -1"), outcomes(at(BID, 10), at(BID, 10)));
  }

  @Test
  void aRecordBehindTheAllowedLatenessIsLateAndTheOneOnItIsNot() throws Exception {
    assertEquals(
        List.of("late 0", "matched 1", "closed -1"), outcomes(at(BID, 49, 100), at(BID, 50, 100)));
  }

  @Test
  void withoutTheEarlierStageARecordIsUnmatchedAndNothingIsClosed() throws Exception {
    assertEquals(List.of("unmatched 0", "unmatched 1"), outcomes(at(IMP, 10), at(CLICK, 20)));
  }

  @Test
  void theWindowHasBothSidesAndItsEdgesBelongToIt() throws Exception {
    assertEquals(
        List.of("matched 0", "matched 1", "closed -1"), outcomes(at(BID, 200), at(IMP, 100)));
    assertEquals(
        List.of("matched 0", "matched 1", "closed -1"), outcomes(at(BID, 200), at(IMP, 300)));
    assertEquals(
        List.of("matched 0", "unmatched 1", "closed -1"), outcomes(at(BID, 200), at(IMP, 301)));
    assertEquals(
        List.of("matched 0", "unmatched 1", "closed -1"), outcomes(at(BID, 200), at(IMP, 99)));
  }

  @Test
  void aRecordThatCannotMatchTakesNoPlaceFromOneThatCan() throws Exception {
    assertEquals(
        List.of("matched 2", "matched 1", "unmatched 0", "closed -1"),
        outcomes(at(IMP, 301), at(IMP, 300), at(BID, 200)));
    assertEquals(
        List.of("matched 0", "matched 2", "unmatched 1", "closed -1"),
        outcomes(at(BID, 200), at(IMP, 301), at(IMP, 300)));
  }

  @Test
  void ofThoseThatCanMatchTheFirstHasTheStage() throws Exception {
    assertEquals(
        List.of("duplicate 1", "matched 2", "matched 0", "closed -1"),
        outcomes(at(IMP, 220), at(IMP, 210), at(BID, 200)));
    assertEquals(
        List.of("matched 0", "matched 1", "duplicate 2", "closed -1"),
        outcomes(at(BID, 200), at(IMP, 220), at(IMP, 210)));
  }

  @Test
  void aRecordWaitsForItsOwnTimeWhateverElseItsKeyHas() throws Exception {
    assertEquals(
        List.of("unmatched 0", "matched 2", "matched 1", "closed -1"),
        outcomes(at(CLICK, 0), at(IMP, 120), at(BID, 130, 160)));
  }

  @Test
  void aKeyClosesWhenTheWatermarkHasPassedTheFirstStage() throws Exception {
    Arrival bid = at(BID, 0);
    Arrival lastChance = at(IMP, 100, 150);
    assertEquals(List.of("matched 0", "matched 1", "closed -1"), outcomes(bid, lastChance));
    assertEquals(List.of("matched 0", "late 1", "closed -1"), outcomes(bid, at(IMP, 100, 151)));
    assertEquals(
        List.of("matched 0", "duplicate 1", "closed -1"), outcomes(bid, at(BID, 120, 150)));
    assertEquals(
        List.of("matched 0", "closed -1", "matched 1", "closed -1"),
        outcomes(bid, at(BID, 120, 151)));
  }

  @Test
  void anyArrivalEndsAsTheDefinitionSaysUnderAnyCircumstances() throws Exception {
    Random random = new Random(20261121);
    for (int round = 0; round < 20_000; round++) {
      Correlation rules =
          new Correlation(1 + random.nextInt(4), random.nextInt(12), random.nextInt(12));
      Circumstances circumstances = Circumstances.any(random);
      List<Arrival> arrivals =
          watermarked(events(random, rules.stages(), 1 + random.nextInt(30)), random.nextInt(10));
      assertEquals(
          sorted(Oracle.expected(rules.window(), rules.lateness(), arrivals)),
          sorted(Arrivals.run(rules, arrivals, circumstances)),
          () -> rules + " " + circumstances + " " + arrivals);
    }
  }

  @Test
  void ordersInWhichNothingIsLateHaveTheSameOutcomes() throws Exception {
    Random random = new Random(7);
    for (int round = 0; round < 500; round++) {
      Correlation rules = new Correlation(3, random.nextInt(12), 60);
      List<Arrival> events = events(random, 3, 30);
      List<Result> first = null;
      for (int order = 0; order < 10; order++) {
        events = shuffled(events, random);
        List<Result> results = sorted(Arrivals.run(rules, watermarked(events, 5), USUAL));
        first = first == null ? results : first;
        assertEquals(first, results, () -> rules.toString());
      }
    }
  }

  /** Another order between keys and stages; competitors come in theirs, as in their shard. */
  private static List<Arrival> shuffled(List<Arrival> events, Random random) {
    List<Arrival> order = new ArrayList<>(events);
    Collections.shuffle(order, random);
    Map<String, Iterator<Arrival>> competitors = new HashMap<>();
    events.stream()
        .collect(Collectors.groupingBy(a -> a.key() + a.stage()))
        .forEach((claim, each) -> competitors.put(claim, each.iterator()));
    return order.stream()
        .map(a -> competitors.get(a.key() + a.stage()).next())
        .collect(Collectors.toCollection(ArrayList::new));
  }

  private static Arrival at(int stage, long time) {
    return at(stage, time, NONE);
  }

  private static Arrival at(int stage, long time, long watermark) {
    return new Arrival(0, "key", stage, time, watermark);
  }

  private static List<String> outcomes(Arrival... arrivals) throws Exception {
    List<Arrival> numbered = new ArrayList<>();
    for (Arrival a : arrivals) {
      numbered.add(new Arrival(numbered.size(), a.key(), a.stage(), a.time(), a.watermark()));
    }
    return Arrivals.run(RULES, numbered, USUAL).stream()
        .map(result -> result.outcome().label() + " " + result.id())
        .toList();
  }

  private static List<Arrival> events(Random random, int stages, int count) {
    List<Arrival> events = new ArrayList<>();
    for (int id = 0; id < count; id++) {
      String key = "k" + random.nextInt(3);
      events.add(new Arrival(id, key, random.nextInt(stages), random.nextInt(40), NONE));
    }
    return events;
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
