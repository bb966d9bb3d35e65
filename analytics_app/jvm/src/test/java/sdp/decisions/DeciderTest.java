package sdp.decisions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import sdp.decisions.Decision.Result;
import sdp.decisions.Decision.RuleResult;
import sdp.definitions.Version;

/** What one business event comes to. */
class DeciderTest {
  private static final Map<String, Object> EVENT = Map.of("balance", 150.0, "count", 5L);
  private static final Map<String, Object> PROFILE = Map.of("age", 30L, "customer_id", "c1");

  private static Decision decide(Scores scores, Version... versions) {
    Definitions definitions = new Definitions();
    List.of(versions).forEach(definitions::add);
    return decide(definitions, scores, PROFILE);
  }

  private static Decision decide(
      Definitions definitions, Scores scores, Map<String, Object> profile) {
    Decider decider = new Decider(definitions);
    Decider.Considered considered = decider.consider("low", 100, EVENT, profile);
    return decider.decide(considered, scores.of(considered.candidates()));
  }

  private static Decision decide(Version... versions) {
    return decide(new Scores.Default(0.5), versions);
  }

  private static Version rule(String name, String body, String checked) {
    return new Version("rule", name, 1, 0, true, false, body, checked, null);
  }

  private static Version transfer(String message) {
    return Checked.template("transfer", 1, 0, message);
  }

  @Test
  void withoutARuleItStops() {
    Decision decision = decide();
    assertFalse(decision.passed());
    assertEquals(List.of(), decision.rules());
    assertNull(decision.score());
  }

  @Test
  void anyRuleThatIsTrueLetsItPass() {
    Decision decision =
        decide(
            Checked.rule("a", 1, 0, "event.balance < 100.0"),
            Checked.rule("b", 1, 0, "profile.age == 30"));
    assertTrue(decision.passed());
    assertEquals(
        List.of(Result.FALSE, Result.TRUE),
        decision.rules().stream().map(RuleResult::result).toList());
    assertNull(decision.action());
  }

  @Test
  void anErrorIsAnOutcomeOfItsOwnAndTheOthersGoOn() {
    Decision decision =
        decide(
            Checked.rule("a", 1, 0, "event.nothing > 1"),
            rule("b", "no JSON", null),
            rule("c", "{\"kind_of_event\": \"low\"}", "no base64!"),
            Checked.rule("d", 1, 0, "true"));
    assertEquals(
        List.of(Result.ERROR, Result.ERROR, Result.ERROR, Result.TRUE),
        decision.rules().stream().map(RuleResult::result).toList());
    assertTrue(decision.rules().get(0).reason().contains("nothing"));
    assertTrue(decision.passed());
  }

  @Test
  void aRuleOfAnotherKindOfEventSaysNothing() {
    Version other = rule("a", "{\"kind_of_event\": \"stuck\"}", Checked.of("true"));
    assertEquals(List.of(), decide(other).rules());
  }

  @Test
  void theTemplateIsFilledWithTypedValues() {
    Decision decision =
        decide(
            Checked.rule("a", 3, 0, "true", "transfer", 1),
            transfer(
                "You have {{ event.balance }} after {{event.count}}: transfer"
                    + " {{ event.balance < 245.0 ? 250.0 - event.balance : 5.0 }} or"
                    + " {{ event.balance < 45.0 ? 50.0 - event.balance : 5.0 }}"));
    assertEquals("Hello c1", decision.action().title());
    assertEquals("You have 150.00 after 5: transfer 100.00 or 5.00", decision.action().message());
    assertEquals("push", decision.action().channel());
    assertEquals(3, decision.action().rule().version());
    assertEquals(0.5, decision.score());
    assertNull(decision.modelVersion());
    assertEquals(List.of("there is no model: the default score applies"), decision.remarks());
  }

  @Test
  void aPlaceholderIsWrittenAsPeopleReadIt() throws Expression.FailedException {
    assertEquals("0.12", Placeholder.text(0.125));
    assertEquals("0.38", Placeholder.text(0.375));
    assertEquals("1.00", Placeholder.text(1.005)); // which is 1.00499…
    assertEquals("0.00", Placeholder.text(-0.004));
    assertEquals("1000000000.00", Placeholder.text(1e9));
    assertEquals("7", Placeholder.text(7L));
    assertEquals(
        "2026-11-21T10:00:00.000Z", Placeholder.text(Instant.parse("2026-11-21T10:00:00Z")));
    for (Object wrong : List.of(true, Double.NaN, Double.POSITIVE_INFINITY, List.of())) {
      assertThrows(Expression.FailedException.class, () -> Placeholder.text(wrong));
    }
  }

  @Test
  void anActionThatCannotBeFilledLeavesTheChoiceToTheNext() {
    Decision decision =
        decide(
            Checked.rule("a", 1, 0, "true", "missing", 9),
            Checked.rule("b", 1, 0, "true", "broken", 8),
            Checked.rule("c", 1, 0, "true", "nothing", 7),
            Checked.rule("d", 1, 0, "true", "transfer", 1),
            Checked.template("broken", 1, 0, "{{ event. }}"),
            Checked.template("nothing", 1, 0, "{{ profile.email }}"),
            transfer("text"));
    assertEquals("d", decision.action().rule().name());
    assertEquals("the template missing is not in force", decision.remarks().get(1));
    assertTrue(decision.remarks().get(2).startsWith("the template broken cannot be read: "));
    assertTrue(decision.remarks().get(3).startsWith("the template nothing cannot be filled: "));
  }

  @Test
  void theBestScoreAtOrAboveTheThresholdIsChosenAndTiesByPriority() {
    Scores byAction =
        candidates ->
            candidates.stream()
                .map(each -> Double.parseDouble(each.action().substring(1)))
                .map(score -> new Scores.Score(score, "m1", null))
                .toList();
    Version[] versions = {
      Checked.rule("a", 1, 0, "true", "t0.2", 9),
      Checked.rule("b", 1, 0, "true", "t0.7", 1),
      Checked.rule("c", 1, 0, "true", "t0.7", 2),
      Checked.rule("d", 1, 0, "true", "t0.7", 2),
      Checked.template("t0.2", 1, 0, "low"),
      Checked.template("t0.7", 1, 0, "high"),
      Checked.threshold("least", 1, 0, 0.7)
    };
    Decision decision = decide(byAction, versions);
    assertEquals("c", decision.action().rule().name());
    assertEquals(0.7, decision.score());
    assertEquals("m1", decision.modelVersion());
    versions[6] = Checked.threshold("least", 2, 0, 0.71);
    Decision below = decide(byAction, versions);
    assertTrue(below.passed());
    assertNull(below.action());
    assertEquals(
        List.of("the score 0.7 is below the threshold 0.71 (least, version 2)"), below.remarks());
  }

  @Test
  void aShadowIsRecordedAndActsOnNothing() {
    Decision decision =
        decide(
            Checked.shadow(Checked.rule("a", 1, 0, "true", "transfer", 1)),
            Checked.shadow(Checked.threshold("least", 1, 0, 2)),
            transfer("text"));
    assertFalse(decision.passed());
    assertNull(decision.action());
    assertEquals(Result.TRUE, decision.rules().get(0).result());
    assertFalse(decision.rules().get(0).version().live());
  }

  @Test
  void withoutAProfileTheDecisionSaysSo() {
    Definitions definitions = new Definitions();
    definitions.add(Checked.rule("a", 1, 0, "has(profile.age) || true", "transfer", 1));
    definitions.add(transfer("text"));
    Decision decision = decide(definitions, new Scores.Default(1), null);
    assertTrue(decision.passed());
    assertEquals("there is no profile", decision.remarks().get(0));
    assertNull(decision.action()); // the title names the customer
  }

  @Test
  void aRuleUsesTheVersionsOfFeaturesInForceAndTheDecisionNamesThem() {
    Decision decision =
        decide(
            Checked.rule("a", 1, 0, "features.half < 80.0 && features.name == 'c1'"),
            Checked.rule("b", 1, 0, "features.half < 70.0"),
            Checked.rule("c", 1, 0, "event.count == 5"),
            Checked.feature("half", 1, 0, "1e9"),
            Checked.feature("half", 2, 50, "event.balance / 2.0"),
            Checked.feature("half", 3, 101, "1e9"),
            Checked.feature("name", 7, 100, "profile.customer_id"));
    assertEquals(
        List.of(Result.TRUE, Result.FALSE, Result.TRUE),
        decision.rules().stream().map(RuleResult::result).toList());
    assertEquals(
        List.of(Map.of("half", 2L, "name", 7L), Map.of("half", 2L), Map.of()),
        decision.rules().stream().map(RuleResult::features).toList());
    assertEquals("features.half < 70.0 (features.half is 75.0)", decision.rules().get(1).reason());
  }

  @Test
  void aFeatureWithoutAResultIsAnErrorOfTheRulesThatNeedItAndNamesItself() {
    Version other =
        new Version(
            "feature",
            "stuck",
            1,
            0,
            true,
            false,
            "{\"kind_of_event\": \"stuck\", \"expression\": \"1.0\"}",
            Checked.of("1.0"),
            null);
    Decision decision =
        decide(
            Checked.rule("a", 1, 0, "features.failed > 1.0"),
            Checked.rule("b", 1, 0, "features.later > 1.0 || features.failed > 1.0"),
            Checked.rule("c", 1, 0, "features.stuck > 1.0"),
            Checked.rule("d", 1, 0, "features.list == [1]"),
            Checked.rule("e", 1, 0, "features.broken == 1.0"),
            Checked.rule("f", 1, 0, "has(features.failed) && features.failed > 1.0"),
            Checked.rule("g", 1, 0, "features.failed > 1.0 || event.count == 5"),
            Checked.rule("h", 1, 0, "event.nothing == 1"),
            Checked.rule("i", 1, 0, "features.infinite == features.infinite"),
            Checked.feature("failed", 4, 0, "profile.expenditures / 2.0"),
            Checked.feature("later", 1, 101, "1.0"),
            other,
            Checked.feature("infinite", 1, 0, "event.balance / 0.0"),
            Checked.feature("list", 1, 0, "[1]"),
            new Version("feature", "broken", 1, 0, true, false, "{}", null, null));
    assertEquals(
        List.of(
            Result.ERROR,
            Result.ERROR,
            Result.ERROR,
            Result.ERROR,
            Result.ERROR,
            Result.FALSE,
            Result.TRUE,
            Result.ERROR,
            Result.ERROR),
        decision.rules().stream().map(RuleResult::result).toList());
    List<String> reasons = decision.rules().stream().map(RuleResult::reason).toList();
    assertTrue(reasons.get(0).contains("; the feature failed has no result: "), reasons.get(0));
    assertTrue(reasons.get(0).contains("expenditures"), reasons.get(0));
    assertEquals(Map.of("failed", 4L), decision.rules().get(0).features());
    assertTrue(reasons.get(1).contains("; the feature later is not in force"), reasons.get(1));
    assertEquals(Map.of("failed", 4L), decision.rules().get(1).features());
    assertTrue(reasons.get(2).endsWith("; the feature stuck is for business events 'stuck'"));
    assertTrue(reasons.get(3).contains("list has no result: it is none of number"), reasons.get(3));
    assertTrue(reasons.get(4).contains("the feature broken cannot be read: "), reasons.get(4));
    assertFalse(reasons.get(7).contains("feature"), reasons.get(7));
    assertTrue(reasons.get(8).contains("infinite has no result: it is not a finite number"));
    assertTrue(decision.passed());
  }

  @Test
  void aTemplateUsesFeaturesTooAndTheDecisionNamesThemAtItsRule() {
    Decision decision =
        decide(
            Checked.rule("a", 1, 0, "true", "broken", 2),
            Checked.rule("b", 1, 0, "features.low", "transfer", 1),
            Checked.template("broken", 1, 0, "{{ features.none }}"),
            transfer("{{ features.amount }}"),
            Checked.feature("low", 3, 0, "event.balance < 200.0"),
            Checked.feature("amount", 5, 0, "250.0 - event.balance"));
    assertEquals("100.00", decision.action().message());
    assertEquals(Map.of("amount", 5L), decision.action().features());
    assertTrue(decision.remarks().get(1).endsWith("; the feature none is not in force"));
    String rules =
        Rows.decision(0, Map.of("id", "e"), null, "customer_id", decision).getString(7).toString();
    assertTrue(
        rules.endsWith("\"result\":\"true\",\"features\":{\"amount\":5,\"low\":3}}]"), rules);
    assertEquals(1, rules.split("features").length - 1, rules); // the other rule names none
  }

  @Test
  void theNewestVersionThatIsValidDecidesUnlessItIsTheEnd() {
    Definitions definitions = new Definitions();
    Version first = Checked.rule("a", 1, 10, "true");
    definitions.add(first);
    definitions.add(Checked.rule("a", 2, 20, "false"));
    definitions.add(Checked.rule("a", 3, 20, "true"));
    definitions.add(Checked.ended(first, 4, 30));
    definitions.add(Checked.rule("a", 5, 40, "false"));
    assertEquals(List.of(), definitions.inForce("rule", 9));
    assertEquals(1, version(definitions, 10));
    assertEquals(1, version(definitions, 19));
    assertEquals(3, version(definitions, 20));
    assertEquals(List.of(), definitions.inForce("rule", 30));
    assertEquals(5, version(definitions, 40));
  }

  private static long version(Definitions definitions, long time) {
    return definitions.inForce("rule", time).get(0).version().version();
  }
}
