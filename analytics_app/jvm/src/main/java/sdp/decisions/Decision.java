package sdp.decisions;

import java.util.List;
import java.util.Map;
import sdp.definitions.Version;

/**
 * What was decided about a business event.
 *
 * @param passed whether a live rule was true
 * @param score of the best action; null if there was none to score
 * @param modelVersion null if the score is the default
 * @param action what follows, or null
 * @param remarks what else decided: no profile, no model, a threshold, a template
 */
record Decision(
    boolean passed,
    List<RuleResult> rules,
    Double score,
    String modelVersion,
    Action action,
    List<String> remarks) {

  /** What a rule has said. */
  enum Result {
    TRUE,
    FALSE,
    /** It failed: an outcome of its own, never false. */
    ERROR
  }

  /**
   * @param reason of false, the comparison that failed with its values; of an error, what it was
   * @param features the versions in force of those that the rule names, by their names
   */
  record RuleResult(Version version, Result result, String reason, Map<String, Long> features) {}

  /**
   * A message that is to be sent.
   *
   * @param features the versions in force of those that the template names, by their names
   */
  record Action(
      Version rule,
      Version template,
      String channel,
      String title,
      String message,
      double score,
      Map<String, Long> features) {}
}
