package sdp.patterns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static sdp.patterns.Arrival.amount;
import static sdp.patterns.Arrival.level;
import static sdp.patterns.Arrival.step;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import sdp.patterns.Run.Circumstances;

/**
 * The patterns against their definition: random histories with ties, repetitions, late events,
 * failures and other parallelism after them. {@code -Dsdp.histories=20000} is the long form.
 */
class EvaluationTest {
  private static final int HISTORIES = Integer.getInteger("sdp.histories", 2_000);
  private static final int MINUTE = 60_000;

  /** Five within 75 minutes, below 200; three steps within half an hour. */
  private static final Rules REAL =
      new Rules(
          75 * MINUTE, 5, 200, 0, 90L * 1440 * MINUTE, 3, 30 * MINUTE, 1440 * MINUTE, 4, 10, 0);

  private static final long DELAY = 5_000;

  private static final int[][] ORDERS = {
    {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}
  };

  // --- any history ------------------------------------------------------------------------------

  @Test
  void anyHistoryEndsAsTheDefinitionSays() throws Exception {
    Random random = new Random(20261126);
    int[] found = new int[3];
    for (int history = 0; history < HISTORIES; history++) {
      Rules rules = Rules.any(random);
      List<Arrival> arrivals = arrivals(random, rules);
      Circumstances circumstances = Circumstances.any(random);
      long seed = random.nextLong();
      List<Result> expected = Oracle.expected(rules, arrivals);
      assertEquals(
          expected,
          Run.run(rules, arrivals, circumstances, seed),
          () -> rules + " " + circumstances + " " + seed + " " + arrivals);
      count(expected, found);
    }
    assertTrue(Arrays.stream(found).min().getAsInt() > HISTORIES / 4, Arrays.toString(found));
  }

  private static void count(List<Result> results, int[] found) {
    String[] kinds = {"count", "missing", "anomaly"};
    for (Result each : results) {
      for (int kind = 0; kind < kinds.length; kind++) {
        found[kind] += each.text().startsWith(kinds[kind]) ? 1 : 0;
      }
    }
  }

  @Test
  void aRestartAtAnyMomentChangesNothing() throws Exception {
    Random random = new Random(7);
    for (int history = 0; history < HISTORIES / 20; history++) {
      Rules rules = Rules.any(random);
      List<Arrival> arrivals = arrivals(random, rules);
      List<Result> expected = Oracle.expected(rules, arrivals);
      for (int moment = 0; moment < arrivals.size(); moment++) {
        int restart = moment;
        assertEquals(
            expected,
            Run.restarted(rules, arrivals, moment, random.nextLong()),
            () -> rules + " restarted at " + restart + " " + arrivals);
      }
    }
  }

  @Test
  void ordersInWhichNothingIsLateFindTheSame() throws Exception {
    Random random = new Random(11);
    for (int history = 0; history < HISTORIES / 20; history++) {
      Rules rules = Rules.any(random);
      List<Arrival> events = withCopies(events(random, rules, 0), random);
      List<Result> first = null;
      for (int order = 0; order < 10; order++) {
        List<Arrival> shuffled = shuffled(events, random, 8);
        List<Result> results =
            Run.run(rules, watermarked(shuffled, 8), Circumstances.any(random), order);
        first = first == null ? results : first;
        assertEquals(first, results, rules::toString);
      }
      assertTrue(first.stream().noneMatch(r -> r.text().startsWith("late")));
    }
  }

  /** Each id has one time; some events are there twice. */
  private static List<Arrival> withCopies(List<Arrival> events, Random random) {
    Set<String> ids = new HashSet<>();
    List<Arrival> distinct = events.stream().filter(event -> ids.add(event.id())).toList();
    List<Arrival> all = new ArrayList<>(distinct);
    all.addAll(distinct.stream().filter(event -> random.nextInt(4) == 0).toList());
    return all;
  }

  /** By at most a delay. */
  private static List<Arrival> shuffled(List<Arrival> events, Random random, int delay) {
    record Sent(double at, Arrival event) {}
    return events.stream()
        .map(event -> new Sent(event.time() + random.nextDouble() * delay, event))
        .sorted(Comparator.comparingDouble(Sent::at))
        .map(Sent::event)
        .toList();
  }

  private static List<Arrival> arrivals(Random random, Rules rules) {
    int disorder = random.nextInt(6) == 0 ? 100 : 20; // more than ids are remembered, too
    return watermarked(events(random, rules, disorder), random.nextInt(12));
  }

  /**
   * Time goes on slowly, so that there are ties; some come again, some of those at another time.
   */
  private static List<Arrival> events(Random random, Rules rules, int disorder) {
    List<Arrival> events = new ArrayList<>();
    int count = 1 + random.nextInt(60);
    int keys = 1 + random.nextInt(3);
    for (int number = 0; number < count; number++) {
      long time =
          number * random.nextInt(3) / 2 + number + (disorder > 0 ? random.nextInt(disorder) : 0);
      if (number > 0 && random.nextInt(8) == 0) {
        Arrival earlier = events.get(random.nextInt(number));
        long at = random.nextBoolean() ? earlier.time() : time;
        events.add(
            new Arrival(
                earlier.id(),
                earlier.key(),
                at,
                earlier.kind(),
                earlier.value(),
                earlier.whose(),
                Run.NONE));
      } else {
        events.add(event(random, rules, number, "key " + random.nextInt(keys), time));
      }
    }
    return events;
  }

  private static Arrival event(Random random, Rules rules, int number, String key, long time) {
    String id = "e" + (random.nextInt(50) + 100) + "-" + number;
    String whose = List.of("", "v", "w", "x").get(random.nextInt(4));
    return made(random, rules, id, key, time).of(whose.equals("x") ? null : whose);
  }

  private static Arrival made(Random random, Rules rules, String id, String key, long time) {
    return switch (random.nextInt(8)) {
      case 0 -> level(id, key, time, random.nextInt(100));
      case 1, 2, 3, 4 -> amount(id, key, time, random.nextInt(16) - 2 + random.nextInt(4) / 4.0);
      default -> step(id, key, time, random.nextInt(rules.steps()));
    };
  }

  /** The watermark of a source: the largest time so far minus a delay. */
  private static List<Arrival> watermarked(List<Arrival> events, long delay) {
    List<Arrival> arrivals = new ArrayList<>();
    long watermark = Run.NONE;
    for (Arrival event : events) {
      arrivals.add(event.after(watermark));
      watermark = Math.max(watermark, event.time() - delay);
    }
    return arrivals;
  }

  // --- the count, as people describe it ---------------------------------------------------------

  @Test
  void fiveOfTenFromTwoHundredAreOneMatchWithTheBalance() throws Exception {
    List<Result> found = found(spent("a", 5, 1));
    assertEquals(List.of("count a at 4 a-4 of [a-0, a-1, a-2, a-3, a-4] 5 150.0"), texts(found));
  }

  @Test
  void sixAreTwo() throws Exception {
    assertEquals(
        List.of(
            "count a at 4 a-4 of [a-0, a-1, a-2, a-3, a-4] 5 150.0",
            "count a at 5 a-5 of [a-1, a-2, a-3, a-4, a-5] 6 140.0"),
        texts(found(spent("a", 6, 1))));
  }

  @Test
  void theSixthIsNoneWhileItCools() throws Exception {
    Rules cooling = new Rules(75 * MINUTE, 5, 200, 2, MINUTE, 3, MINUTE, MINUTE, 4, 10, 0);
    assertEquals(2, found(cooling, spent("a", 7, 1)).size(), "the fifth and the seventh");
  }

  @Test
  void sixKeysInterleavedAreSix() throws Exception {
    List<Arrival> events = new ArrayList<>();
    for (String key : List.of("a", "b", "c", "d", "e", "f")) {
      events.addAll(spent(key, 5, 1));
    }
    Collections.shuffle(events, new Random(3));
    assertEquals(6, found(events).stream().map(r -> r.text().charAt(6)).distinct().count());
    assertEquals(6, found(events).size());
  }

  @Test
  void theWindowHasBothItsEnds() throws Exception {
    assertEquals(0, found(spent("a", 5, 19 * MINUTE)).size());
    assertEquals(1, found(spent("a", 5, 75 * MINUTE / 4)).size());
  }

  @Test
  void fourOfOneKeyAndOneOfAnotherAreNone() throws Exception {
    List<Arrival> events = spent("a", 4, 1);
    events.addAll(spent("b", 1, 1));
    assertEquals(List.of(), found(events));
  }

  @Test
  void withoutALevelAndAtTheLimitNothingIsFound() throws Exception {
    List<Arrival> events = spent("a", 5, 1);
    events.remove(0);
    assertEquals(List.of(), found(events));
    events.add(level("l", "a", -1, 250));
    assertEquals(List.of(), found(events), "200 is not below 200");
  }

  @Test
  void aLateAmountIsNotCountedAndChangesTheBalanceFromThenOn() throws Exception {
    List<Arrival> arrivals = new ArrayList<>(spent("a", 4, 1));
    arrivals.add(amount("late", "a", 2, 50).after(10));
    arrivals.add(amount("late", "a", 2, 50).after(10));
    arrivals.add(amount("fifth", "a", 20, 10).after(10));
    assertEquals(
        List.of(
            "count a at 20 fifth of [a-0, a-1, a-2, a-3, fifth] 5 100.0",
            "late a late at 2",
            "late a late at 2"),
        texts(Run.run(REAL, arrivals, Circumstances.USUAL, 1)));
  }

  /** Of three hours that ids are remembered; {@code a} has two levels, {@code b} an older one. */
  @Test
  void aLateAmountIsOfTheLevelInForceIfItIsNotOlderThanThatAndIsRemembered() throws Exception {
    Rules remembering =
        new Rules(75 * MINUTE, 5, 200, 0, 900 * MINUTE, 3, MINUTE, MINUTE, 4, 10, 180 * MINUTE);
    long now = 185 * MINUTE;
    long oldest = 5 * MINUTE;
    List<Arrival> arrivals = new ArrayList<>();
    arrivals.add(level("b-opening", "b", 0, 190));
    arrivals.add(level("a-opening", "a", 10 * MINUTE, 500));
    arrivals.add(level("a-second", "a", 60 * MINUTE, 190));
    arrivals.add(amount("a-before", "a", oldest, 1_000).after(now));
    arrivals.add(amount("a-between", "a", 60 * MINUTE - 1, 1_000).after(now));
    arrivals.add(amount("a-same", "a", 60 * MINUTE, 20).after(now));
    arrivals.add(amount("a-after", "a", 61 * MINUTE, 3).after(now));
    arrivals.add(amount("a-after", "a", 61 * MINUTE, 3).after(now));
    arrivals.add(amount("b-oldest", "b", oldest, 5).after(now));
    arrivals.add(amount("b-too-old", "b", oldest - 1, 1_000).after(now));
    for (int number = 0; number < 5; number++) {
      arrivals.add(amount("a" + number, "a", now + number, 10).after(now));
      arrivals.add(amount("b" + number, "b", now + number, 10).after(now));
    }
    List<Result> results = Run.run(remembering, arrivals, Circumstances.USUAL, 1);
    assertEquals(
        List.of(
            "count a at 11100004 a4 of [a0, a1, a2, a3, a4] 5 117.0",
            "count b at 11100004 b4 of [b0, b1, b2, b3, b4] 5 135.0",
            "late a a-after at 3660000",
            "late a a-after at 3660000"),
        texts(results.subList(0, 4)));
    assertEquals(7, results.stream().filter(r -> r.text().startsWith("late")).count());
    assertEquals(Oracle.expected(remembering, arrivals), results);
  }

  @Test
  void aLateLevelHoldsFromItsTimeOn() throws Exception {
    List<Arrival> arrivals = new ArrayList<>(spent("a", 4, 1));
    arrivals.add(level("late", "a", 2, 100).after(10));
    arrivals.add(amount("fifth", "a", 20, 10).after(10));
    List<Result> results = Run.run(REAL, arrivals, Circumstances.USUAL, 1);
    assertTrue(results.get(0).text().endsWith(" 5 70.0"), results::toString);
  }

  private static List<Arrival> spent(String key, int count, long apart) {
    List<Arrival> events = new ArrayList<>(List.of(level(key + "-opening", key, -1, 200)));
    for (int number = 0; number < count; number++) {
      events.add(amount(key + "-" + number, key, number * apart, 10));
    }
    return events;
  }

  // --- the missing step -------------------------------------------------------------------------

  @Test
  void allStepsInTimeAreNone() throws Exception {
    assertEquals(List.of(), found(steps(0, 0, 1, 10, 2, 29)));
    assertEquals(List.of(), found(steps(0, 0, 1, 10, 2, 30)), "the end belongs to it");
  }

  @Test
  void theTimeoutIsAtItsInstantAndNeedsNoFurtherEvent() throws Exception {
    Run run = new Run(REAL, Circumstances.USUAL, 1);
    for (Arrival event : steps(0, 0, 1, 10)) {
      run.accept(event);
    }
    run.advance(30 * MINUTE);
    assertEquals(List.of(), run.results());
    run.advance(30 * MINUTE + 1 + Evaluation.STEP);
    assertEquals(List.of("missing s at 1800000 s0 of [s0, s1]"), texts(run.results()));
  }

  /** In each order of arrival, and after a failure; of one time the later step is the last. */
  @Test
  void aMatchCarriesTheTextOfItsLastCauseThatHasOne() throws Exception {
    Map<List<String>, String> expected =
        Map.of(
            List.of("", ""), "",
            List.of("ann", ""), " carries ann",
            List.of("", "bob"), " carries bob",
            List.of("ann", "bob"), " carries bob",
            List.of("bob", "ann"), " carries ann");
    for (var each : expected.entrySet()) {
      List<Arrival> steps = new ArrayList<>();
      steps.add(step("s0", "s", 0, 0).of(each.getKey().get(0)));
      steps.add(step("s1", "s", 0, 1).of(each.getKey().get(1)));
      steps.add(step("s1-again", "s", 1, 1).of("not a cause"));
      steps.add(step("s0-again", "s", 2, 0).of("nor this"));
      String text = "missing s at 1800000 s0 of [s0, s1]" + each.getValue();
      assertEquals(List.of(text), texts(ordered(steps)));
      Collections.reverse(steps);
      assertEquals(List.of(text), texts(ordered(steps)));
    }
  }

  @Test
  void theLastStepAfterTheTimeoutIsTooLate() throws Exception {
    assertEquals(1, found(steps(0, 0, 1, 10, 2, 31)).size());
  }

  /** In each order of arrival; the last step is as far ahead of the first as the delay allows. */
  @Test
  void stepsOutOfOrderWithinTheDelayAreNone() throws Exception {
    List<Arrival> steps =
        List.of(step("s0", "s", 0, 0), step("s1", "s", DELAY - 1, 1), step("s2", "s", DELAY, 2));
    for (int[] order : ORDERS) {
      List<Arrival> arrivals = Arrays.stream(order).mapToObj(steps::get).toList();
      assertEquals(List.of(), ordered(arrivals), () -> Arrays.toString(order));
      List<Arrival> silent = arrivals.stream().filter(a -> !a.id().equals("s2")).toList();
      assertEquals(1, ordered(silent).size(), () -> Arrays.toString(order));
    }
  }

  /** All that becomes of events in this order, in any circumstances. */
  private static List<Result> ordered(List<Arrival> events) throws Exception {
    Random random = new Random(9);
    List<Arrival> arrivals = watermarked(events, DELAY);
    List<Result> first = Run.run(REAL, arrivals, Circumstances.USUAL, 0);
    for (int seed = 1; seed < 10; seed++) {
      assertEquals(first, Run.run(REAL, arrivals, Circumstances.any(random), seed));
    }
    return first;
  }

  @Test
  void withoutTheStepBetweenItIsNone() throws Exception {
    assertEquals(List.of(), found(steps(0, 0, 2, 10)));
    assertEquals(List.of(), found(steps(0, 0)));
    assertEquals(List.of(), found(steps(1, 0, 0, 10)));
  }

  @Test
  void eachAttemptIsOneMatchAtMost() throws Exception {
    assertEquals(1, found(steps(0, 0, 1, 1, 0, 2, 1, 3)).size());
    assertEquals(2, found(steps(0, 0, 1, 1, 0, 40, 1, 41)).size());
  }

  /** Step and minute, alternating. */
  private static List<Arrival> steps(int... pairs) {
    List<Arrival> events = new ArrayList<>();
    for (int i = 0; i < pairs.length; i += 2) {
      events.add(step("s" + i / 2, "s", (long) pairs[i + 1] * MINUTE, pairs[i]));
    }
    return events;
  }

  // --- the anomaly ------------------------------------------------------------------------------

  @Test
  void aLastingChangeOfLevelIsSoonTheUsualOne() throws Exception {
    List<Arrival> events = new ArrayList<>();
    for (int day = 0; day < 60; day++) {
      double usual = day < 30 ? 20 : 80;
      events.add(amount("d%02d".formatted(day), "a", day * 480L * MINUTE, usual + day % 5));
    }
    List<String> found = found(events).stream().map(r -> r.text().split(" ")[4]).toList();
    assertTrue(found.contains("d30"), found::toString);
    assertTrue(found.size() <= 4 && !found.contains("d35"), found::toString);
  }

  @Test
  void oneThatIsFarOffIsFoundWithItsDeviation() throws Exception {
    List<Arrival> events = new ArrayList<>();
    for (int number = 0; number < 12; number++) {
      events.add(amount("e" + number, "a", number, number < 11 ? 10 : 15));
    }
    assertEquals(List.of("anomaly a at 11 e11 of [e11] 10.00000"), texts(found(events)));
  }

  // --- memory -----------------------------------------------------------------------------------

  @Test
  void keysOfOneEventLeaveNoStateAfterTheirTime() throws Exception {
    Run run = new Run(REAL, new Circumstances(1 << 26, Evaluation.STEP, 0, 0), 1);
    int count = 100_000;
    for (int number = 0; number < count; number++) {
      run.accept(step("e" + number, "session " + number, number, 0));
    }
    assertEquals(count, run.openKeys());
    run.advance(10 * MINUTE);
    assertEquals(count, run.openKeys());
    run.advance(count + 75 * MINUTE + Evaluation.STEP + 1);
    assertEquals(0, run.openKeys());
    assertEquals(0, run.storedBytes());
    assertEquals(List.of(), run.results());
  }

  @Test
  void aKeyThatIsFloodedKeepsABoundedNumberOfEventsAndRefusesTheOthers() throws Exception {
    List<Arrival> events = new ArrayList<>();
    for (int number = 0; number < 5_000; number++) {
      events.add(amount("event %04d".formatted(number), "a", number, 10));
    }
    List<Result> results = Run.run(REAL, events, new Circumstances(1 << 24, 100, 0, 0), 1);
    long refused = results.stream().filter(r -> r.text().startsWith("refused")).count();
    assertEquals(5_000 - 1 - History.MAX_WAITING_BYTES / (11 + 8 + 10), refused, 1);
  }

  /** One byte more is no name, and of many bytes more the state could not say how many. */
  @Test
  void anEventWithATextThatIsTooLongToBeCarriedOnIsRefused() throws Exception {
    List<Arrival> events = new ArrayList<>();
    for (int bytes : new int[] {Event.MAX_CARRIED, Event.MAX_CARRIED + 1, 1 << 16, 1 << 20}) {
      String name = "ä".repeat(bytes / 2) + "a".repeat(bytes % 2);
      events.add(amount("event " + bytes, "a", events.size(), 10).of(name));
    }
    List<Result> results = Run.run(REAL, events, Circumstances.USUAL, 1);
    Stream<Result> refused =
        events.stream().skip(1).map(e -> Result.refused("refused", "a", e.id(), e.time()));
    assertEquals(refused.sorted().toList(), results);
  }

  @Test
  void ofVeryManyEventsInAWindowTheNewestAreKnown() throws Exception {
    Run run = new Run(REAL, new Circumstances(1 << 24, 100, 0, 0), 1);
    run.accept(level("l", "a", -1, 200));
    for (int number = 0; number < 3_000; number++) {
      run.accept(amount("e" + number, "a", number, 0.01));
      run.advance(number);
    }
    run.accept(amount("late", "a", 100, 50));
    run.advance(10_000);
    assertTrue(run.storedBytes() < 64_000);
    run.accept(amount("e3000", "a", 10_000, 0.01));
    run.advance(20_000);
    List<Result> found = run.results();
    Result last = found.get(found.size() - 1);
    assertTrue(last.text().endsWith("1000 169.99"), last::toString);
    assertFalse(found.stream().filter(r -> r.text().startsWith("late")).findAny().isEmpty());
  }

  // ----------------------------------------------------------------------------------------------

  private static List<Result> found(List<Arrival> events) throws Exception {
    return found(REAL, events);
  }

  /** The same in ten orders, within the delay. */
  private static List<Result> found(Rules rules, List<Arrival> events) throws Exception {
    Random random = new Random(5);
    List<Result> first = null;
    for (int order = 0; order < 10; order++) {
      List<Arrival> shuffled =
          watermarked(shuffled(events, random, order == 0 ? 0 : (int) DELAY), DELAY);
      List<Result> found =
          Run.run(rules, shuffled, Circumstances.any(random), order).stream()
              .filter(Result::isFound)
              .toList();
      first = first == null ? found : first;
      assertEquals(first, found);
    }
    return first;
  }

  private static List<String> texts(List<Result> results) {
    return results.stream().map(Result::text).toList();
  }
}
