package sdp.decisions;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import sdp.decisions.Decision.Action;
import sdp.decisions.Decision.Result;
import sdp.decisions.Decision.RuleResult;
import sdp.decisions.Definition.Rule;
import sdp.decisions.Definition.Template;
import sdp.decisions.Definition.Threshold;
import sdp.decisions.Scores.Score;

/**
 * Decides about one business event by the definitions in force at its time.
 *
 * <p>Any live rule of the event's kind that is true lets it pass. Of the actions of these rules the
 * one with the best score is chosen, if the score is at or above the threshold of the kind (the
 * greatest, if there are several); ties by priority, the greater first, then by the rule's name. An
 * action whose template is not in force, or cannot be filled, leaves the choice to the next. What
 * is in force as a shadow is recorded, and acts on nothing. Rules and templates use {@link
 * Features} by their versions in force at the same time.
 */
final class Decider {
  private static final Comparator<Candidate> BEST_FIRST =
      Comparator.comparingDouble((Candidate c) -> -c.score.value())
          .thenComparing(c -> -c.rule.priority())
          .thenComparing(c -> c.rule.version().name());

  private final Definitions definitions;
  private final Scores scores;

  private record Candidate(Rule rule, Score score) {}

  Decider(Definitions definitions, Scores scores) {
    this.definitions = definitions;
    this.scores = scores;
  }

  /**
   * @param profile null if none is known
   */
  Decision decide(String kind, long time, Map<String, Object> event, Map<String, Object> profile) {
    Map<String, Object> variables =
        Map.of("event", event, "profile", profile == null ? Map.of() : profile);
    Features features = new Features(definitions, kind, time, variables);
    List<RuleResult> results = new ArrayList<>();
    List<Rule> passing = new ArrayList<>();
    for (Definition definition : definitions.inForce(Definition.RULE, time)) {
      RuleResult result = result(definition, kind, features);
      if (result != null) {
        results.add(result);
      }
      if (result != null && result.result() == Result.TRUE && definition.version().live()) {
        passing.add((Rule) definition);
      }
    }
    List<String> remarks = new ArrayList<>();
    if (profile == null) {
      remarks.add("there is no profile");
    }
    List<Candidate> candidates =
        passing.stream()
            .filter(rule -> rule.action() != null)
            .map(rule -> new Candidate(rule, scores.of(variables, rule.action(), time)))
            .sorted(BEST_FIRST)
            .toList();
    Score best = candidates.isEmpty() ? null : candidates.get(0).score;
    if (best != null && best.remark() != null) {
      remarks.add(best.remark());
    }
    Action action = action(candidates, kind, time, features, remarks);
    return new Decision(
        !passing.isEmpty(),
        results,
        best == null ? null : (Double) best.value(),
        best == null ? null : best.modelVersion(),
        action,
        remarks);
  }

  /** What a rule says; null if it is of another kind of event. */
  private static RuleResult result(Definition definition, String kind, Features features) {
    if (definition instanceof Definition.Wrong wrong) {
      return new RuleResult(wrong.version(), Result.ERROR, wrong.mistake(), Map.of());
    }
    Rule rule = (Rule) definition;
    if (!rule.kindOfEvent().equals(kind)) {
      return null;
    }
    if (rule.expression() == null) {
      return new RuleResult(rule.version(), Result.ERROR, rule.mistake(), Map.of());
    }
    Map<String, Long> used = features.versions(rule.expression().features());
    try {
      Object value = features.evaluate(rule.expression());
      if (!(value instanceof Boolean isTrue)) {
        return new RuleResult(rule.version(), Result.ERROR, "it is no boolean, but " + value, used);
      }
      return isTrue
          ? new RuleResult(rule.version(), Result.TRUE, null, used)
          : new RuleResult(
              rule.version(), Result.FALSE, features.whyFalse(rule.expression()), used);
    } catch (Expression.FailedException e) {
      return new RuleResult(rule.version(), Result.ERROR, e.getMessage(), used);
    }
  }

  // --- actions ----------------------------------------------------------------------------------

  private Action action(
      List<Candidate> candidates, String kind, long time, Features features, List<String> remarks) {
    Threshold threshold = threshold(kind, time);
    for (Candidate candidate : candidates) {
      if (threshold != null && candidate.score.value() < threshold.value()) {
        remarks.add(
            "the score %s is below the threshold %s (%s, version %d)"
                .formatted(
                    candidate.score.value(),
                    threshold.value(),
                    threshold.version().name(),
                    threshold.version().version()));
        return null; // those behind it have no better score
      }
      Action action = filled(candidate, time, features, remarks);
      if (action != null) {
        return action;
      }
    }
    return null;
  }

  private Threshold threshold(String kind, long time) {
    return definitions.inForce(Definition.THRESHOLD, time).stream()
        .filter(each -> each instanceof Threshold && each.version().live())
        .map(Threshold.class::cast)
        .filter(each -> each.kindOfEvent().equals(kind))
        .max(Comparator.comparingDouble(Threshold::value))
        .orElse(null);
  }

  private Action filled(Candidate candidate, long time, Features features, List<String> remarks) {
    String name = candidate.rule.action();
    Definition definition = definitions.inForce(Definition.TEMPLATE, name, time);
    if (!(definition instanceof Template template) || !definition.version().live()) {
      remarks.add(
          definition instanceof Definition.Wrong wrong
              ? "the template %s cannot be read: %s".formatted(name, wrong.mistake())
              : "the template %s is not in force".formatted(name));
      return null;
    }
    try {
      return new Action(
          candidate.rule.version(),
          template.version(),
          template.channel(),
          template.title().filled(features),
          template.message().filled(features),
          candidate.score.value(),
          features.versions(template.features()));
    } catch (Expression.FailedException e) {
      remarks.add("the template %s cannot be filled: %s".formatted(name, e.getMessage()));
      return null;
    }
  }
}
