package sdp.decisions;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.SimpleCounter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import sdp.decisions.Scores.Score;
import sdp.definitions.Version;
import sdp.keyed.Packed;
import sdp.ledger.Refusal;
import sdp.scores.Artifact;
import sdp.scores.Model;
import sdp.scores.ModelStore;
import sdp.scores.Models;

/** Decisions that are made together are those that each event would have alone. */
class DecisionsTest {
  private static final double DEFAULT = 0.25;

  /** The evaluator of the tests fails at a row with this value, and has no score for the other. */
  private static final double FATAL = 13;

  private static final double INCOMPLETE = 17;

  private final Counter scored = new SimpleCounter();
  private final Counter unscored = new SimpleCounter();
  private final List<Integer> calls = new ArrayList<>();
  private final Definitions definitions = new Definitions();
  private final Models models = new Models(Files::new, Made::new, Duration.ofMinutes(1));
  private final Scores scores = new ModelScores(definitions, models, DEFAULT, scored, unscored);
  private final Out out = new Out();
  private final Decisions decisions = new Decisions(new Decider(definitions), scores, out);

  /** Gives a row its model's number and a hundredth of its value. */
  private final class Made implements Model {
    private final double number;

    Made(byte[] file) {
      number = Double.parseDouble(new String(file, UTF_8));
    }

    @Override
    public List<Input> inputs() {
      return List.of(new Input("value", false));
    }

    @Override
    public double[] scores(List<Object[]> rows) {
      if (rows.stream().anyMatch(row -> (double) row[0] == FATAL)) {
        throw new IllegalStateException("a row that it fails at");
      }
      calls.add(rows.size());
      return rows.stream().mapToDouble(row -> score(number, (double) row[0])).toArray();
    }

    @Override
    public void close() {}
  }

  private static double score(double number, double value) {
    return value == INCOMPLETE ? Double.NaN : number + value / 100;
  }

  /** A file has its own name in it. */
  private static final class Files implements ModelStore {
    @Override
    public byte[] read(String uri) {
      return uri.getBytes(UTF_8);
    }

    @Override
    public void close() {}
  }

  private static final class Out implements Deciding.Outcomes {
    private final List<Double> values = new ArrayList<>();
    private final List<Decision> decisions = new ArrayList<>();

    @Override
    public void decided(
        long time, Map<String, Object> event, Map<String, Object> profile, Decision decision) {
      assertEquals(time, ((Double) event.get("value")).longValue());
      values.add((Double) event.get("value"));
      decisions.add(decision);
    }

    @Override
    public void refused(Refusal refusal, Packed packed, String why) {
      throw new AssertionError(why);
    }

    @Override
    public void taken(Packed packed) {
      throw new AssertionError("nothing comes in");
    }
  }

  private static Version model(long version, long validFrom) {
    String body =
        "{\"model_version\": \"m%d\", \"uri\": \"%d\", \"fingerprint\": \"%s\"}"
            .formatted(version, version, Artifact.fingerprint(("" + version).getBytes(UTF_8)));
    return new Version("model", "m", version, validFrom, true, false, body, null, null);
  }

  /** Events whose value is their time, one after the other. */
  private void add(int... values) {
    for (int value : values) {
      decisions.add("low", value, Map.of("value", (double) value), Map.of("customer_id", "c"));
    }
  }

  @AfterEach
  void close() {
    models.close();
  }

  @Test
  void candidatesOfOneModelAreScoredAtOnceAndEachEventHasItsOwnScores() {
    definitions.add(Checked.rule("a", 1, 0, "event.value > 3.0", "transfer", 1));
    definitions.add(Checked.rule("b", 1, 0, "event.value > 5.0", "transfer", 2));
    definitions.add(Checked.template("transfer", 1, 0, "{{ event.value }}"));
    definitions.add(model(1, 10));
    definitions.add(model(2, 100));
    int[] mixed = new int[200];
    for (int at = 0; at < mixed.length; at++) {
      mixed[at] = at * 77 % 200; // each value once, models and none in turn
    }
    add(mixed);
    decisions.make();
    decisions.make(); // nothing is left to make
    assertEquals(200, out.decisions.size());
    for (int at = 0; at < mixed.length; at++) {
      double value = mixed[at];
      assertEquals(value, out.values.get(at), "in their order");
      Decision decision = out.decisions.get(at);
      boolean passes = value > 3;
      boolean isFlawed = value == FATAL || value == INCOMPLETE;
      String version = !passes || value < 10 || isFlawed ? null : value < 100 ? "m1" : "m2";
      Double expected =
          !passes ? null : version == null ? DEFAULT : score(value < 100 ? 1 : 2, value);
      assertEquals(version, decision.modelVersion(), "of value " + value);
      assertEquals(expected, decision.score(), "of value " + value);
      assertEquals(passes, decision.passed());
      assertEquals(
          passes ? (value > 5 ? "b" : "a") : null,
          decision.action() == null ? null : decision.action().rule().name());
      assertEquals(
          isFlawed ? List.of("the model m1 gives no score: the default applies") : List.of(),
          decision.remarks().stream().filter(remark -> !remark.contains("no model")).toList());
    }
    assertEquals(2 * (200 - 10) - 4, scored.getCount());
    assertEquals(4, unscored.getCount(), "two events that pass two rules each");
    assertTrue(calls.stream().filter(rows -> rows > 20).count() >= 8, "rows at once: " + calls);
  }

  @Test
  void nothingWaitsForMoreThanTheNextWatermarkAndFewAtATimeAreHeld() {
    add(1, 2, 3); // no rule: nothing to score
    assertEquals(List.of(), out.values);
    decisions.make();
    assertEquals(List.of(1.0, 2.0, 3.0), out.values);
    out.values.clear();
    for (int value = 0; value < 64; value++) {
      assertEquals(List.of(), out.values);
      add(value);
    }
    Set<Double> made = new HashSet<>(out.values);
    assertEquals(64, made.size(), "a full batch does not wait");
    assertEquals(List.of(), calls);
  }

  @Test
  void scoresOfNothingAreNone() {
    List<Score> none = scores.of(List.of());
    assertEquals(List.of(), none);
  }
}
