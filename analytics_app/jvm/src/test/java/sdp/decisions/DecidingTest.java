package sdp.decisions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import sdp.decisions.History.Arrival;
import sdp.definitions.FakeTable;

/**
 * Decisions while definitions change, held to an oracle; and what is late, repeated or too much.
 */
class DecidingTest {
  private static final int SEEDS = Integer.getInteger("sdp.histories", 100);

  @Test
  void everyEventIsDecidedByWhatIsInForceAtItsOwnTime() throws Exception {
    int changed = 0;
    int fired = 0;
    int scored = 0;
    int late = 0;
    int computed = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(seed);
      List<Arrival> arrivals = History.of(random);
      FakeTable table = new FakeTable();
      Run live = new Run(table, false, seed % 3 == 0 ? 0 : 12, random).over(arrivals);
      check(seed, live, table, arrivals);
      // a replay, later: the same versions decide, and the frontier stays where it is
      long frontier = table.instant();
      Run replay = new Run(table, true, seed % 2 == 0 ? 0 : 12, random).over(arrivals);
      check(seed, replay, table, arrivals);
      assertEquals(frontier, table.instant());
      changed += table.written().size();
      fired += (int) live.decisions().stream().filter(d -> d.matches(".*\\d/\\d+.*")).count();
      scored += (int) live.decisions().stream().filter(d -> d.matches(".* m\\d+ .*")).count();
      computed +=
          (int) live.decisions().stream().filter(d -> d.matches(".* r\\d+f\\d+=.*")).count();
      late += (int) live.refusals().stream().filter("late"::equals).count();
    }
    assertTrue(changed > 10 * SEEDS && fired > 2 * SEEDS && late > SEEDS, changed + " " + fired);
    assertTrue(scored > 2 * SEEDS, scored + " are scored by a model");
    assertTrue(computed > 2 * SEEDS, computed + " use a feature");
  }

  /** All that was decided is right; what was not was late by the events' own watermark. */
  private static void check(int seed, Run run, FakeTable table, List<Arrival> arrivals) {
    Map<String, Arrival> events = new LinkedHashMap<>();
    Set<String> inTime = new HashSet<>();
    long watermark = Deciding.NO_WATERMARK;
    for (Arrival arrival : arrivals) {
      if (!arrival.profile() && events.putIfAbsent(arrival.id(), arrival) == null) {
        if (!arrival.isLate(watermark)) {
          inTime.add(arrival.id());
        }
      }
      watermark = arrival.watermark();
    }
    Oracle oracle = new Oracle(table.written(), arrivals);
    List<String> expected = new ArrayList<>();
    for (String decision : run.decisions()) {
      String id = decision.substring(0, decision.indexOf(' '));
      expected.add(oracle.decision(events.get(id)));
      assertTrue(events.containsKey(id));
      inTime.remove(id);
    }
    assertEquals(expected, run.decisions(), "seed " + seed);
    assertEquals(Set.of(), inTime, "seed " + seed + ": not decided");
    long once =
        run.decisions().stream().map(d -> d.substring(0, d.indexOf(' '))).distinct().count();
    assertEquals(once, run.decisions().size(), "seed " + seed + ": decided twice");
  }

  // --- one by one -------------------------------------------------------------------------------

  private final FakeTable table = new FakeTable();
  private final Run run;

  DecidingTest() throws Exception {
    run = new Run(table, true, 0, new Random(1));
    table.put(Checked.rule("r0", 1, 0, "profile.age < 5"));
    run.read();
  }

  private static Arrival event(String id, long time) {
    return new Arrival(id, "a", time, false, 1, 0, 0);
  }

  private static Arrival profile(String id, long time, long age) {
    return new Arrival(id, "a", time, true, age, 0, 0);
  }

  @Test
  void theProfileIsTheOneOfTheEventsOwnTime() throws Exception {
    run.accept(event("before", 9));
    run.accept(profile("p2", 20, 9));
    run.accept(event("between", 19));
    run.accept(profile("p1", 10, 1));
    run.accept(event("at", 20));
    run.advanceEvents(200);
    assertEquals(
        List.of("at p2 r01=false -> -", "before - r01=error -> -", "between p1 r01=true -> passed"),
        run.decisions());
  }

  @Test
  void ofTwoProfilesOfOneTimeTheGreaterIdIsInForceInAnyOrder() throws Exception {
    run.accept(profile("p2", 10, 9));
    run.accept(profile("p1", 10, 1));
    run.accept(event("e", 10));
    run.advanceEvents(200);
    assertEquals(List.of("e p2 r01=false -> -"), run.decisions());
  }

  @Test
  void aLateProfileHoldsForWhatIsNotDecidedAndIsReported() throws Exception {
    run.advanceEvents(1_000);
    run.accept(event("e1", 1_500));
    run.accept(profile("late", 500, 1));
    run.accept(event("too late", 999));
    assertEquals(List.of("late", "late"), run.refusals());
    run.advanceEvents(3_000);
    run.accept(profile("older", 400, 9));
    run.accept(event("e2", 3_500));
    run.advanceEvents(5_000);
    assertEquals(
        List.of("e1 late r01=true -> passed", "e2 late r01=true -> passed"), run.decisions());
  }

  @Test
  void aCopyOfALateProfileIsLateAndOneOfAProfileInTimeIsADuplicateAfterAFailureToo()
      throws Exception {
    run.accept(event("before", 10));
    run.accept(profile("timely", 20, 1));
    run.advanceEvents(1_000);
    for (Arrival late : List.of(profile("late", 500, 9), profile("timely", 500, 9))) {
      run.accept(late);
      run.accept(late);
      run.fail();
      run.accept(late);
    }
    assertEquals(List.of("late", "late", "late", "late", "late", "late"), run.refusals());
    run.accept(profile("again", 1_500, 1));
    run.accept(profile("again", 1_500, 1));
    run.fail();
    run.advanceEvents(2_000);
    run.accept(profile("again", 1_500, 1));
    assertEquals(List.of("duplicate", "duplicate"), run.refusals().subList(6, 8));
    run.accept(event("after", 2_500));
    run.advanceEvents(3_000);
    assertEquals(
        List.of("after again r01=true -> passed", "before - r01=error -> -"), run.decisions());
  }

  @Test
  void aFeatureIsTheOneOfTheEventsOwnTimeAndOfTheProfileOfThatTime() throws Exception {
    FakeTable features = new FakeTable();
    Run of = new Run(features, true, 0, new Random(1));
    features.put(Checked.rule("r0", 1, 0, "features.f < 5.0"));
    features.put(Checked.feature("f", 1, 10, "event.value"));
    features.put(Checked.feature("f", 2, 20, "double(profile.age)"));
    features.put(Checked.ended(Checked.feature("f", 2, 20, "1.0"), 3, 40));
    of.read();
    of.accept(event("e2", 19));
    of.accept(event("e3", 20));
    of.accept(event("e1", 9));
    of.accept(event("e5", 40));
    of.accept(event("e4", 39));
    of.accept(profile("p", 30, 9));
    of.advanceEvents(200);
    assertEquals(
        List.of(
            "e1 - r01=error -> -",
            "e2 - r01f1=true -> passed",
            "e3 - r01f2=error -> -",
            "e4 p r01f2=false -> -",
            "e5 p r01=error -> -"),
        of.decisions());
  }

  @Test
  void whatIsRepeatedIsDecidedOnce() throws Exception {
    run.accept(event("e", 10));
    run.accept(event("e", 10));
    run.accept(profile("p", 10, 1));
    run.accept(profile("p", 10, 1));
    run.advanceEvents(200);
    run.accept(event("e", 10));
    run.accept(profile("p", 10, 1));
    assertEquals(List.of("e p r01=true -> passed"), run.decisions());
    assertEquals(List.of("duplicate", "duplicate", "late", "duplicate"), run.refusals());
  }

  @Test
  void aKeyThatTooMuchWaitsForRefusesMore() throws Exception {
    for (int number = 0; number < 1_500; number++) {
      run.accept(event("e" + number, 10));
    }
    assertTrue(run.refusals().contains("refused"));
    run.advanceEvents(200);
    assertEquals(1_500, run.decisions().size() + run.refusals().size());
  }
}
