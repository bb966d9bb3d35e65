package sdp.decisions;

import java.util.List;
import sdp.metrics.Percentiles;

/**
 * Scores, with the time that one takes: the mean of those that are computed at once.
 *
 * @param times in microseconds
 */
record TimedScores(Scores scores, Percentiles times) implements Scores {
  @Override
  public List<Score> of(List<Candidate> candidates) {
    long start = System.nanoTime();
    List<Score> found = scores.of(candidates);
    if (!found.isEmpty()) {
      times.add((System.nanoTime() - start) / 1_000 / found.size());
    }
    return found;
  }
}
