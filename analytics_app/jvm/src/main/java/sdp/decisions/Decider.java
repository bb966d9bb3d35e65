package sdp.decisions;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
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
  private static final Comparator<Choice> BEST_FIRST =
      Comparator.comparingDouble((Choice c) -> -c.score.value())
          .thenComparing(c -> -c.rule.priority())
          .thenComparing(c -> c.rule.version().name());

  private final Definitions definitions;

  private record Choice(Rule rule, Score score) {}

  /** A business event of which the rules are evaluated, and nothing is scored yet. */
  final class Considered {
    private final String kind;
    private final long time;
    private final Map<String, Object> variables;
    private final Features features;
    private final boolean hasProfile;
    private final List<RuleResult> results = new ArrayList<>();
    private final List<Rule> passing = new ArrayList<>();

    private Considered(
        String kind, long time, Map<String, Object> event, Map<String, Object> profile) {
      this.kind = kind;
      this.time = time;
      hasProfile = profile != null;
      variables = Map.of("event", event, "profile", hasProfile ? profile : Map.of());
      features = new Features(definitions, kind, time, variables);
    }

    /** The actions of the rules that let it pass. */
    List<Scores.Candidate> candidates() {
      return acting().map(rule -> new Scores.Candidate(variables, rule.action(), time)).toList();
    }

    private Stream<Rule> acting() {
      return passing.stream().filter(rule -> rule.action() != null);
    }
  }

  Decider(Definitions definitions) {
    this.definitions = definitions;
  }

  /**
   * Evaluates the rules.
   *
   * @param profile null if none is known
   */
  Considered consider(
      String kind, long time, Map<String, Object> event, Map<String, Object> profile) {
    Considered considered = new Considered(kind, time, event, profile);
    for (Definition definition : definitions.inForce(Definition.RULE, time)) {
      RuleResult result = result(definition, kind, considered.features);
      if (result != null) {
        considered.results.add(result);
      }
      if (result != null && result.result() == Result.TRUE && definition.version().live()) {
        considered.passing.add((Rule) definition);
      }
    }
    return considered;
  }

  /**
   * Chooses.
   *
   * @param scores of the candidates
   */
  Decision decide(Considered considered, List<Score> scores) {
    List<String> remarks = new ArrayList<>();
    if (!considered.hasProfile) {
      remarks.add("there is no profile");
    }
    Iterator<Score> next = scores.iterator();
    List<Choice> choices =
        considered.acting().map(rule -> new Choice(rule, next.next())).sorted(BEST_FIRST).toList();
    Score best = choices.isEmpty() ? null : choices.get(0).score;
    if (best != null && best.remark() != null) {
      remarks.add(best.remark());
    }
    Action action = action(choices, considered, remarks);
    return new Decision(
        !considered.passing.isEmpty(),
        considered.results,
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

  private Action action(List<Choice> choices, Considered event, List<String> remarks) {
    Threshold threshold = threshold(event.kind, event.time);
    for (Choice choice : choices) {
      if (threshold != null && choice.score.value() < threshold.value()) {
        remarks.add(
            "the score %s is below the threshold %s (%s, version %d)"
                .formatted(
                    choice.score.value(),
                    threshold.value(),
                    threshold.version().name(),
                    threshold.version().version()));
        return null; // those behind it have no better score
      }
      Action action = filled(choice, event.time, event.features, remarks);
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

  private Action filled(Choice choice, long time, Features features, List<String> remarks) {
    String name = choice.rule.action();
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
          choice.rule.version(),
          template.version(),
          template.channel(),
          template.title().filled(features),
          template.message().filled(features),
          choice.score.value(),
          features.versions(template.features()));
    } catch (Expression.FailedException e) {
      remarks.add("the template %s cannot be filled: %s".formatted(name, e.getMessage()));
      return null;
    }
  }
}
