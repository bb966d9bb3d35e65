package sdp.series;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import sdp.definitions.Version;
import sdp.series.Oracle.Valid;
import sdp.series.Run.Circumstances;
import sdp.series.Run.Written;
import sdp.series.SeriesJoin.Limits;

/**
 * Joins that change while samples come, against their definition: each sample by the versions in
 * force at its own time. Samples are dense, so that many are exactly where a version begins; two
 * joins share a series. {@code -Dsdp.histories=2000} is the long form.
 */
class SeriesJoinsTest {
  private static final int HISTORIES = Integer.getInteger("sdp.histories", 200);
  private static final int LAST = 120;

  // --- any history ------------------------------------------------------------------------------

  /** All versions are known before the first sample, as in a backfill; some samples are late. */
  @Test
  void anyVersionsJoinTheSamplesOfTheirOwnTime() throws Exception {
    Random random = new Random(20261127);
    Map<String, Long> counts = new HashMap<>();
    long edges = 0;
    for (int history = 0; history < HISTORIES; history++) {
      Limits limits = limits(random, random.nextInt(8));
      List<Version> versions = versions(random);
      List<Valid> valid = valid(limits, versions);
      List<Arrival> arrivals = arrivals(random, 12, random.nextInt(12));
      List<Written> written = List.of(new Written(0, versions, Long.MAX_VALUE));
      Circumstances circumstances = Circumstances.any(random);
      long seed = random.nextLong();
      List<String> expected = Oracle.expected(limits, valid, arrivals);
      assertEquals(
          expected,
          Run.run(limits, written, arrivals, circumstances, seed),
          () -> limits + " " + valid + " " + circumstances + " " + seed + " " + arrivals);
      expected.forEach(each -> counts.merge(each.split(" ")[0], 1L, Long::sum));
      edges += valid.stream().filter(v -> isAtEdge(v, arrivals)).count();
    }
    assertEquals(
        List.of("duplicate", "final", "lasted", "late", "left"),
        counts.keySet().stream().sorted().toList());
    counts.put("at an edge", edges);
    assertTrue(Collections.min(counts.values()) > HISTORIES / 4, counts::toString);
  }

  private static boolean isAtEdge(Valid version, List<Arrival> arrivals) {
    return arrivals.stream().anyMatch(each -> each.time() == version.from() && version.takes(each));
  }

  /**
   * Versions are written while samples come, each after the frontier; it moves at any time, and is
   * not there for a while after a failure. No sample is later than the delay.
   */
  @Test
  void samplesWaitUntilTheirVersionsAreKnown() throws Exception {
    Random random = new Random(31);
    for (int history = 0; history < HISTORIES; history++) {
      int delay = 12;
      Limits limits = limits(random, delay);
      List<Arrival> arrivals = arrivals(random, delay, delay);
      List<Version> versions = new ArrayList<>();
      List<Written> written = written(random, arrivals, versions);
      List<Valid> valid = valid(limits, versions);
      Circumstances circumstances = Circumstances.any(random);
      long seed = random.nextLong();
      assertEquals(
          Oracle.expected(limits, valid, arrivals),
          Run.run(limits, written, arrivals, circumstances, seed),
          () -> limits + " " + written + " " + circumstances + " " + seed + " " + arrivals);
    }
  }

  private static Limits limits(Random random, int delay) {
    int finalAfter = delay + random.nextInt(60);
    return new Limits(random.nextInt(12), delay, delay, random.nextInt(40), finalAfter);
  }

  private static List<Version> versions(Random random) {
    List<Version> versions = new ArrayList<>();
    Map<String, Long> numbers = new TreeMap<>();
    for (int left = random.nextInt(7); left > 0; left--) {
      versions.add(version(random, numbers, random.nextInt(LAST)));
    }
    return versions;
  }

  /** Of {@code power} or another, each with the series r or s, or both in either order. */
  private static Version version(Random random, Map<String, Long> numbers, long from) {
    String name = List.of(Run.JOIN, "heat", "alpha").get(random.nextInt(3));
    int r = random.nextInt(4);
    int s = (r + 1 + random.nextInt(3)) % 4;
    boolean isEnd = random.nextInt(5) == 0;
    return version(name, numbers.merge(name, 1L, Long::sum), from, r, s, random.nextInt(12), isEnd);
  }

  static Version version(
      String name, long number, long from, int r, int s, int distance, boolean isEnd) {
    String body =
        "{\"r\": \"%s\", \"s\": \"%s\", \"distance\": \"PT%s\"}"
            .formatted(Run.SERIES.charAt(r), Run.SERIES.charAt(s), distance / 1000.0 + "S");
    return new Version(
        Joins.KIND, name, number, from, true, isEnd, isEnd ? "{}" : body, null, null);
  }

  /** Notes the versions too; each is valid after the frontier at its time. */
  private static List<Written> written(
      Random random, List<Arrival> arrivals, List<Version> versions) {
    List<Written> written = new ArrayList<>();
    Map<String, Long> numbers = new TreeMap<>();
    long frontier = random.nextInt(20) - 10;
    for (int position = 0; position < arrivals.size(); position += random.nextInt(6)) {
      List<Version> added = new ArrayList<>();
      while (random.nextInt(3) == 0) {
        added.add(version(random, numbers, frontier + 1 + random.nextInt(30)));
      }
      frontier = Math.max(frontier, arrivals.get(position).time() + random.nextInt(25) - 15);
      long reached = frontier;
      added.removeIf(version -> version.validFrom() <= reached && random.nextBoolean());
      versions.addAll(added);
      written.add(new Written(position, added, frontier));
    }
    written.add(new Written(Integer.MAX_VALUE, List.of(), Long.MAX_VALUE));
    return written;
  }

  /** The versions in force, with version 0. */
  private static List<Valid> valid(Limits limits, List<Version> versions) {
    List<Valid> valid = new ArrayList<>();
    for (String name : List.of("alpha", "heat", Run.JOIN)) {
      TreeMap<Long, Version> own = new TreeMap<>();
      versions.stream()
          .filter(version -> version.name().equals(name))
          .sorted(Comparator.comparingLong(Version::version))
          .forEach(version -> own.put(version.validFrom(), version));
      if (name.equals(Run.JOIN)) {
        long until = own.isEmpty() ? Long.MAX_VALUE : own.firstKey();
        valid.add(new Valid(name, 0, Long.MIN_VALUE, until, Side.R, Side.S, limits.distance()));
      }
      own.forEach(
          (from, version) -> {
            Long next = own.higherKey(from);
            if (!version.ended()) {
              valid.add(valid(version, next == null ? Long.MAX_VALUE : next));
            }
          });
    }
    return valid;
  }

  private static Valid valid(Version version, long until) {
    JoinVersion read = Joins.read(version);
    return new Valid(
        version.name(),
        version.version(),
        version.validFrom(),
        until,
        Run.SERIES.indexOf(read.r),
        Run.SERIES.indexOf(read.s),
        read.distance);
  }

  /** Four series of two keys, in an order that is up to {@code disorder} wrong. */
  private static List<Arrival> arrivals(Random random, int disorder, int watermarkDelay) {
    List<Arrival> events = new ArrayList<>();
    for (int number = 0; number < 40 + random.nextInt(60); number++) {
      int series = random.nextInt(4);
      long time = random.nextInt(LAST);
      String key = random.nextInt(4) == 0 ? "b" : "a";
      String id = "e" + random.nextInt(30);
      events.add(new Arrival(id, key, series, time, random.nextInt(3), Run.NONE));
    }
    Map<Arrival, Long> order = new HashMap<>();
    events.forEach(each -> order.put(each, each.time() + random.nextInt(disorder + 1)));
    events.sort(Comparator.comparingLong(order::get));
    List<Arrival> arrivals = new ArrayList<>();
    long watermark = Run.NONE;
    for (Arrival each : events) {
      arrivals.add(each.after(watermark));
      watermark = Math.max(watermark, each.time() - watermarkDelay);
    }
    return arrivals;
  }

  // --- when -------------------------------------------------------------------------------------

  /** The pairs of the version before are final with the samples of the one after. */
  @Test
  void aChangeOfVersionDoesNotDelayWhatIsFinal() throws Exception {
    Limits prompt = new Limits(100, 0, 0, 10_000, 10_000);
    List<Version> change = List.of(version(Run.JOIN, 1, 50, Side.R, Side.S, 5, false));
    List<Written> written = List.of(new Written(0, change, Long.MAX_VALUE));
    Run run = Run.started(prompt, written);
    for (Arrival each : List.of(Arrival.r("a", 40), Arrival.s("a", 45), Arrival.r("a", 49))) {
      run.accept(each);
    }
    assertEquals(List.of(), run.results());
    run.accept(Arrival.s("a", 51));
    run.accept(Arrival.r("a", 52));
    assertEquals(
        List.of("final a r40 40.0 s45 -45.0", "final a r49 49.0 s45 -45.0"),
        run.results().stream().sorted().toList());
    run.accept(Arrival.s("a", 56));
    run.accept(Arrival.r("a", 57));
    assertTrue(
        run.results().contains("final power-1/a r52 52.0 s51 -51.0"), run.results()::toString);
  }

  /** So an application that starts does not need the definitions before its samples. */
  @Test
  void nothingIsTakenBeforeTheFrontierIsKnown() throws Exception {
    Limits prompt = new Limits(100, 0, 0, 10_000, 10_000);
    Run run = Run.started(prompt, List.of(new Written(1, List.of(), 50)));
    for (Arrival each : List.of(Arrival.r("a", 10), Arrival.s("a", 11), Arrival.r("a", 60))) {
      run.accept(each);
    }
    assertEquals(3, run.openEntries());
    run.define(1);
    run.accept(Arrival.r("a", 12));
    run.accept(Arrival.s("a", 12));
    assertEquals(List.of("final a r10 10.0 s11 -11.0"), run.results());
  }
}
