package sdp.decisions;

import java.util.Collections;
import java.util.List;
import java.util.Map;

/** How well actions fit their business events. */
interface Scores {
  /**
   * An action that a rule proposes for a business event.
   *
   * @param variables {@code event} and {@code profile}
   * @param time of the event, which decides on the version of the model
   */
  record Candidate(Map<String, ?> variables, String action, long time) {}

  /**
   * @param value from 0 to 1
   * @param modelVersion of the model that gave it; null if it is the default
   * @param remark why it is the default; null if it is not
   */
  record Score(double value, String modelVersion, String remark) {}

  /** Scores candidates, of any events; in their order. Which others there are changes no score. */
  List<Score> of(List<Candidate> candidates);

  /** Every action has the same score while there is no model. */
  record Default(double value) implements Scores {
    @Override
    public List<Score> of(List<Candidate> candidates) {
      Score score = new Score(value, null, "there is no model: the default score applies");
      return Collections.nCopies(candidates.size(), score);
    }
  }
}
