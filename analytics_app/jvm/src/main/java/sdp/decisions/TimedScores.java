package sdp.decisions;

import java.util.Map;
import sdp.metrics.Percentiles;

/**
 * Scores, with the time that each takes.
 *
 * @param times in microseconds
 */
record TimedScores(Scores scores, Percentiles times) implements Scores {
  @Override
  public Score of(Map<String, ?> variables, String action, long time) {
    long start = System.nanoTime();
    Score score = scores.of(variables, action, time);
    times.add((System.nanoTime() - start) / 1_000);
    return score;
  }
}
