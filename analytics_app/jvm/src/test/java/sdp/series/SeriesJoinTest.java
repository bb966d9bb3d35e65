package sdp.series;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static sdp.series.Arrival.r;
import static sdp.series.Arrival.s;
import static sdp.series.Arrival.sample;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sdp.series.Run.Circumstances;
import sdp.series.SeriesJoin.Limits;

/**
 * The join against its definition: random series with ties within and across series, repetitions,
 * late samples, silent partners, failures and other parallelism after them. {@code
 * -Dsdp.histories=2000} is the long form.
 */
class SeriesJoinTest {
  private static final int HISTORIES = Integer.getInteger("sdp.histories", 200);
  private static final int ORDERS = 10;

  /** One second apart, five seconds of disorder. */
  private static final Limits REAL = new Limits(1_000, 5_000, 5_000, 30_000, 600_000);

  // --- any history ------------------------------------------------------------------------------

  @Test
  void anyHistoryEndsAsTheDefinitionSays() throws Exception {
    Random random = new Random(20261126);
    Map<String, Long> counts = new java.util.HashMap<>();
    for (int history = 0; history < HISTORIES; history++) {
      Limits limits = limits(random);
      List<Arrival> arrivals = watermarked(events(random), random.nextInt(12));
      Circumstances circumstances = Circumstances.any(random);
      long seed = random.nextLong();
      List<String> expected = Oracle.expected(limits, arrivals);
      assertEquals(
          expected,
          Run.run(limits, arrivals, circumstances, seed),
          () -> limits + " " + circumstances + " " + seed + " " + arrivals);
      expected.forEach(each -> counts.merge(each.split(" ")[0], 1L, Long::sum));
    }
    assertEquals(
        List.of("duplicate", "final", "lasted", "late"),
        counts.keySet().stream().sorted().toList());
    assertTrue(Collections.min(counts.values()) > HISTORIES, counts::toString);
  }

  @Test
  void everyOrderWithinTheDelayAndEveryRepetitionGivesTheSamePairs() throws Exception {
    Random random = new Random(11);
    for (int history = 0; history < HISTORIES; history++) {
      int delay = random.nextInt(10);
      Limits limits = new Limits(random.nextInt(9), delay, delay, random.nextInt(30), 40);
      List<Arrival> events = events(random);
      List<String> first = null;
      for (int order = 0; order < ORDERS; order++) {
        List<Arrival> sent = new ArrayList<>(events);
        sent.addAll(events.stream().filter(event -> random.nextInt(5) == 0).toList());
        List<Arrival> arrivals = watermarked(shuffled(sent, random, delay), delay);
        List<String> pairs =
            Run.run(limits, arrivals, Circumstances.any(random), order).stream()
                .peek(each -> assertTrue(!each.startsWith("late"), each))
                .filter(SeriesJoinTest::isJoined)
                .toList();
        first = first == null ? Oracle.expected(limits, arrivals) : first;
        first = first.stream().filter(SeriesJoinTest::isJoined).toList();
        assertEquals(first, pairs, limits::toString);
      }
    }
  }

  private static boolean isJoined(String result) {
    return result.startsWith("final") || result.startsWith("lasted");
  }

  @Test
  void aRestartAtAnyMomentChangesNothing() throws Exception {
    Random random = new Random(7);
    for (int history = 0; history < HISTORIES / 20; history++) {
      Limits limits = limits(random);
      List<Arrival> arrivals = watermarked(events(random), random.nextInt(12));
      List<String> expected = Oracle.expected(limits, arrivals);
      for (int moment = 0; moment < arrivals.size(); moment++) {
        int restart = moment;
        assertEquals(
            expected,
            Run.restarted(limits, arrivals, moment, random.nextLong()),
            () -> limits + " restarted at " + restart + " " + arrivals);
      }
    }
  }

  /** At each watermark, what holds are the pairs of all that is known of the time it has passed. */
  @Test
  void whatIsOverdueHoldsProvisionallyAndIsCorrected() throws Exception {
    Random random = new Random(13);
    int corrected = 0;
    for (int history = 0; history < HISTORIES; history++) {
      Limits limits = new Limits(1 + random.nextInt(9), random.nextInt(9), 3, 4, 1_000);
      List<Arrival> arrivals = watermarked(events(random), random.nextInt(5));
      Run run = new Run(limits, Circumstances.USUAL, history);
      for (int position = 1; position <= arrivals.size(); position++) {
        Arrival arrival = arrivals.get(position - 1);
        run.accept(arrival);
        if (arrival.watermark() != Run.NONE && random.nextInt(3) == 0) {
          run.advance(arrival.watermark());
          run.advance(arrival.watermark() + 1); // corrections are due at the next millisecond
          long before = arrival.watermark() + 1 - limits.maxLatency();
          List<Arrival> known = arrivals.subList(0, position);
          List<String> overdue = Oracle.known(limits, known, before);
          List<String> holding =
              run.holding().stream().filter(each -> isBefore(each, before)).toList();
          assertEquals(overdue, holding, () -> limits + " before " + before + " " + known);
        }
      }
      corrected += (int) run.results().stream().filter(r -> r.startsWith("withdrawn")).count();
    }
    assertTrue(corrected > HISTORIES / 10, "corrected: " + corrected);
  }

  private static boolean isBefore(String pair, long time) {
    String[] words = pair.strip().split(" ");
    return Long.parseLong(words[1].substring(1)) < time
        && Long.parseLong(words[3].substring(1)) < time;
  }

  private static Limits limits(Random random) {
    int rDelay = random.nextInt(8);
    int sDelay = random.nextInt(8);
    int finalAfter = Math.max(rDelay, sDelay) + random.nextInt(60);
    return new Limits(random.nextInt(12), rDelay, sDelay, random.nextInt(40), finalAfter);
  }

  /**
   * Time goes on slowly, so that there are ties; the series are of any density, one may be silent
   * for a while and send what it had later; some samples come again, some with another value or id.
   */
  private static List<Arrival> events(Random random) {
    List<Arrival> events = new ArrayList<>();
    int count = 1 + random.nextInt(60);
    int keys = 1 + random.nextInt(3);
    int density = 1 + random.nextInt(9);
    int disorder = 1 + random.nextInt(10);
    for (int number = 0; number < count; number++) {
      if (number > 0 && random.nextInt(6) == 0) {
        events.add(repeated(events.get(random.nextInt(number)), random));
      } else {
        int side = random.nextInt(10) < density ? Side.R : Side.S;
        long time = number * (1 + number % 3) / 2 + random.nextInt(disorder);
        String key = "key" + random.nextInt(keys);
        String id = "e" + (random.nextInt(50) + 100);
        events.add(new Arrival(id, key, side, time, random.nextInt(4), Run.NONE));
      }
    }
    return random.nextInt(3) == 0 ? silent(events, random) : events;
  }

  private static Arrival repeated(Arrival other, Random random) {
    String id = random.nextBoolean() ? other.id() : "f" + (random.nextInt(50) + 100);
    double value = random.nextBoolean() ? other.value() : random.nextInt(4);
    return new Arrival(id, other.key(), other.side(), other.time(), value, Run.NONE);
  }

  /** One series of one key comes some time after the others, in its own order. */
  private static List<Arrival> silent(List<Arrival> events, Random random) {
    int from = random.nextInt(events.size());
    int behind = Math.min(events.size(), from + 1 + random.nextInt(40));
    int side = random.nextInt(2);
    List<Arrival> before = new ArrayList<>(events.subList(0, behind));
    List<Arrival> held =
        before.subList(from, behind).stream()
            .filter(event -> event.side() == side && event.key().equals("key0"))
            .toList();
    before.removeIf(event -> held.stream().anyMatch(each -> each == event));
    before.addAll(held);
    before.addAll(events.subList(behind, events.size()));
    return before;
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

  // --- examples ---------------------------------------------------------------------------------

  @ParameterizedTest
  @CsvSource({
    "r1 s2 r3 s4, r1-s2 r3-s2 r3-s4",
    "r1 r2 r5 s3 s4, r1-s3 r2-s3 r2-s4 r5-s3 r5-s4",
    "r5 s5, r5-s5",
    "r1 s1 r2 s2, r1-s1 r2-s2",
    "r1 r2 r3, ''",
    "s1 s2, ''",
    "r1 s2, r1-s2",
    "s1 r2, r2-s1",
    "r1 s2 s3 s4 r5, r1-s2 r1-s3 r1-s4 r5-s2 r5-s3 r5-s4",
    "r1 r1 s2 s2, r1-s2",
    "r1 s5 r9, r1-s5 r9-s5",
    "r2 s2 r2 s4 r4, r2-s2 r4-s4",
    "r1 r4 s4 r7, r1-s4 r4-s4 r7-s4"
  })
  void examplesGiveTheirPairsInAnyOrder(String samples, String pairs) throws Exception {
    List<Arrival> events = new ArrayList<>();
    for (String each : samples.split(" ")) {
      long time = Long.parseLong(each.substring(1));
      events.add(each.startsWith("r") ? r("a", time) : s("a", time));
    }
    List<String> expected = List.of(pairs.isEmpty() ? new String[0] : pairs.split(" "));
    for (List<Arrival> order : permutations(events)) {
      assertEquals(expected.stream().sorted().toList(), pairs(REAL, order), order::toString);
    }
  }

  private static List<List<Arrival>> permutations(List<Arrival> events) {
    if (events.isEmpty()) {
      return List.of(List.of());
    }
    List<List<Arrival>> all = new ArrayList<>();
    for (int first = 0; first < events.size(); first++) {
      List<Arrival> others = new ArrayList<>(events);
      Arrival one = others.remove(first);
      for (List<Arrival> rest : permutations(others)) {
        List<Arrival> order = new ArrayList<>(List.of(one));
        order.addAll(rest);
        all.add(order);
      }
    }
    return all;
  }

  private static List<String> pairs(Limits limits, List<Arrival> arrivals) throws Exception {
    return Run.run(limits, arrivals, Circumstances.USUAL, 1).stream()
        .filter(each -> each.startsWith("final"))
        .map(each -> each.split(" "))
        .map(words -> words[2] + "-" + words[4])
        .sorted()
        .toList();
  }

  @Test
  void samplesFurtherApartThanTheDistanceAreNoPair() throws Exception {
    Limits near = new Limits(2, 10, 10, 100, 100);
    assertEquals(
        List.of("r3-s1", "r3-s4"),
        pairs(near, List.of(s("a", 1), r("a", 3), s("a", 4), r("a", 7))));
  }

  @Test
  void keysAreJoinedApart() throws Exception {
    assertEquals(List.of(), pairs(REAL, List.of(r("a", 1), s("b", 1))));
  }

  @Test
  void ofTwoSamplesOfOneTimeTheLeastStandsWhateverCameFirst() throws Exception {
    List<Arrival> events =
        List.of(
            sample("a", Side.R, 1, 7),
            new Arrival("x", "a", Side.R, 1, 3, Run.NONE),
            new Arrival("w", "a", Side.R, 1, 3, Run.NONE),
            s("a", 1));
    for (List<Arrival> order : permutations(events)) {
      assertEquals(
          List.of(
              "duplicate a r1 at 1 of 7.0",
              "duplicate a x at 1 of 3.0",
              "final a r1 3.0 s1 -1.0",
              "lasted a r1 3.0 s1 -1.0 1000"),
          Run.run(REAL, order, Circumstances.USUAL, 1));
    }
  }

  // --- when -------------------------------------------------------------------------------------

  @Test
  void aPairIsFinalAsSoonAsBothWatermarksDecideIt() throws Exception {
    Limits prompt = new Limits(100, 0, 0, 1_000, 10_000);
    Run run = new Run(prompt, Circumstances.USUAL, 1);
    run.accept(r("a", 1));
    run.accept(s("a", 2));
    run.accept(r("a", 4));
    assertEquals(List.of(), run.results(), "another s may come at 2, and its value be less");
    run.accept(s("a", 3));
    assertEquals(List.of("final a r1 1.0 s2 -2.0"), run.results());
    run.accept(s("a", 5));
    assertEquals(
        List.of("final a r1 1.0 s2 -2.0", "final a r1 1.0 s3 -3.0"), run.results().subList(0, 2));
    run.accept(r("a", 6));
    assertEquals(
        List.of("r1-s2", "r1-s3", "r4-s2", "r4-s3"),
        run.results().stream()
            .map(each -> each.split(" "))
            .map(w -> w[2] + "-" + w[4])
            .sorted()
            .toList());
  }

  @Test
  void theNextSampleOfOneThatWaitsNeedsNoLaterSampleOfItsOwnSeries() throws Exception {
    Run run = new Run(new Limits(100, 0, 0, 1_000, 10_000), Circumstances.USUAL, 1);
    run.accept(r("a", 1));
    run.accept(r("a", 2));
    run.accept(s("a", 5));
    run.accept(s("a", 6));
    assertEquals(List.of("final a r1 1.0 s5 -5.0"), run.results(), "r has no sample after 2");
    run.advance(1_007);
    assertEquals(
        List.of("provisional a r2 2.0 s5 -5.0", "provisional a r2 2.0 s6 -6.0"),
        run.results().stream().skip(1).sorted().toList());
  }

  @Test
  void aPartnerThatWasSilentIsNotLateAndCorrectsWhatWasProvisional() throws Exception {
    Run run = new Run(new Limits(100, 0, 0, 50, 1_000), Circumstances.USUAL, 1);
    for (Arrival each : List.of(s("a", 1), r("a", 2), r("a", 10), r("a", 20))) {
      run.accept(each);
    }
    run.advance(100);
    assertEquals(
        List.of(
            "provisional a r10 10.0 s1 -1.0",
            "provisional a r2 2.0 s1 -1.0",
            "provisional a r20 20.0 s1 -1.0"),
        run.results().stream().sorted().toList());
    run.results().clear();
    run.accept(s("a", 15));
    run.accept(s("a", 16));
    run.advance(101);
    assertEquals(
        List.of(
            "final a r10 10.0 s1 -1.0",
            "final a r10 10.0 s15 -15.0",
            "final a r2 2.0 s1 -1.0",
            "final a r2 2.0 s15 -15.0",
            "provisional a r10 10.0 s16 -16.0",
            "provisional a r20 20.0 s15 -15.0",
            "provisional a r20 20.0 s16 -16.0",
            "withdrawn a r20 20.0 s1 -1.0"),
        run.results().stream().sorted().toList());
  }

  @Test
  void afterItsTimeAPartnerIsLateAndWhatWasProvisionalIsFinal() throws Exception {
    Run run = new Run(new Limits(100, 0, 0, 50, 1_000), Circumstances.USUAL, 1);
    for (Arrival each : List.of(s("a", 1), r("a", 2), r("a", 10))) {
      run.accept(each);
    }
    run.advance(500);
    run.advance(1_011);
    run.accept(s("a", 9));
    assertEquals(
        List.of("final a r10 10.0 s1 -1.0", "final a r2 2.0 s1 -1.0", "late a s9 at 9 of -9.0"),
        run.results().stream().filter(each -> !each.startsWith("prov")).sorted().toList());
  }

  @Test
  void aSampleWithoutAUsableKeyIsRefused() throws Exception {
    String longKey = "k".repeat(Entries.MAX_KEY + 1);
    List<String> results =
        Run.run(REAL, List.of(r(null, 1), r(longKey, 1)), Circumstances.USUAL, 1);
    assertEquals(2, results.stream().filter(each -> each.startsWith("refused")).count());
  }

  /** r7 comes 4 after r3, further than the distance; behind the last one nothing is known, too. */
  @Test
  void aPairLastsUntilTheNextSampleOfEitherSeriesAndAtMostTheDistance() throws Exception {
    Run run = new Run(new Limits(3, 0, 0, 100, 1_000), Circumstances.USUAL, 1);
    for (Arrival each : List.of(r("a", 0), s("a", 1), r("a", 3), r("a", 7), s("a", 8))) {
      run.accept(each);
    }
    assertEquals(List.of("lasted a r0 0.0 s1 -1.0 2"), run.durations());
    run.accept(s("a", 20));
    run.accept(r("a", 20));
    assertEquals(List.of("lasted a r3 3.0 s1 -1.0 3"), run.durations().subList(1, 2));
    run.advance(1_200);
    assertEquals(
        List.of("lasted a r7 7.0 s8 -8.0 3", "lasted a r20 20.0 s20 -20.0 3"),
        run.durations().subList(2, 4));
    assertEquals(0, run.openEntries());
  }

  // --- memory -----------------------------------------------------------------------------------

  @Test
  void aHundredThousandSamplesOfOneKeyBesideOneOfAnother() throws Exception {
    Run run = new Run(REAL, new Circumstances(1 << 24, SeriesJoin.STEP, 0, 0), 1);
    int count = 100_000;
    run.accept(s("b", 0));
    long most = 0;
    for (int number = 0; number < count; number++) {
      run.accept(sample("a", number % 2, number * 10L, 1));
      if (number % 100 == 99) {
        run.advance(number * 10L - 5_000);
        most = Math.max(most, run.openEntries());
      }
    }
    assertTrue(most < 2_000, "entries: " + most);
    run.advance(count * 10L + 700_000);
    assertEquals(0, run.openEntries());
    assertEquals(0, run.storedBytes());
    Map<String, Long> found =
        run.results().stream()
            .collect(Collectors.groupingBy(each -> each.split(" ")[0], Collectors.counting()));
    assertEquals(count - 1, found.get("final"));
  }

  /** Nothing moves the watermark meanwhile, so that all of them wait. */
  @Test
  void aHundredThousandSamplesOfOneKeyThatAllWait() throws Exception {
    Limits patient = new Limits(1_000, 900_000, 900_000, 30_000, 1_000_000);
    Run run = new Run(patient, new Circumstances(1 << 26, SeriesJoin.STEP, 0, 0), 1);
    List<Long> numbers =
        LongStream.range(0, 100_000).boxed().collect(Collectors.toCollection(ArrayList::new));
    Collections.shuffle(numbers, new Random(3));
    for (long number : numbers) {
      run.accept(sample("a", (int) (number % 2), number * 5, 1));
    }
    run.advance(Long.MAX_VALUE);
    assertEquals(99_999, run.results().size());
    assertEquals(0, run.openEntries());
  }

  @Test
  void aPartnerThatStaysSilentLeavesABoundedState() throws Exception {
    Limits hour = new Limits(1_000, 1_000, 1_000, 10_000, 60_000);
    Run run = new Run(hour, new Circumstances(1 << 24, SeriesJoin.STEP, 0, 0), 1);
    run.accept(s("a", 0));
    long first = 0;
    for (int number = 0; number < 20_000; number++) {
      run.accept(sample("a", Side.R, number * 20L, 1));
      if (number % 50 == 0) {
        run.advance(number * 20L - 1_000);
      }
      if (number == 5_000) {
        first = run.openEntries();
      }
    }
    assertTrue(run.openEntries() <= first * 1.2, first + " " + run.openEntries());
    assertTrue(run.storedBytes() < 1 << 20, "bytes: " + run.storedBytes());
  }
}
