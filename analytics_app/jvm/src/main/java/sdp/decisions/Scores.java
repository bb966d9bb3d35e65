package sdp.decisions;

import java.util.Map;

/** How well an action fits a business event. */
interface Scores {
  /**
   * @param value from 0 to 1
   * @param modelVersion of the model that gave it; null if it is the default
   * @param remark why it is the default; null if it is not
   */
  record Score(double value, String modelVersion, String remark) {}

  /**
   * Scores an action.
   *
   * @param variables {@code event} and {@code profile}
   * @param time of the event, which decides on the version of the model
   */
  Score of(Map<String, ?> variables, String action, long time);

  /** Every action has the same score while there is no model. */
  record Default(double value) implements Scores {
    @Override
    public Score of(Map<String, ?> variables, String action, long time) {
      return new Score(value, null, "there is no model: the default score applies");
    }
  }
}
