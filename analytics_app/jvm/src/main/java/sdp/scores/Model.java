package sdp.scores;

import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/** Computes a score for each row. Used by one thread at a time. */
public interface Model extends AutoCloseable {
  /**
   * What a row has to have.
   *
   * @param isText whether it is a category; otherwise it is a number
   */
  record Input(String name, boolean isText) {}

  List<Input> inputs();

  /**
   * Scores rows.
   *
   * @param rows the values in the order of the inputs: a {@code String} or a {@code Number}, null
   *     where there is none
   * @return a score for each row; NaN for one that the model gives no score, because a number is
   *     missing or invalid
   * @throws IllegalStateException if the evaluator fails
   */
  double[] scores(List<Object[]> rows);

  /**
   * Scores rows as {@link #scores} does; where the evaluator fails each for itself, so that a row
   * that it fails at has no score (NaN), whichever others it is scored with, and they have theirs.
   *
   * @param failed gets the reason for each row that it fails at
   */
  default double[] scoresOfEach(List<Object[]> rows, Consumer<String> failed) {
    try {
      return scores(rows);
    } catch (IllegalStateException e) {
      if (rows.size() > 1) {
        return rows.stream()
            .mapToDouble(row -> scoresOfEach(Collections.singletonList(row), failed)[0])
            .toArray();
      }
      failed.accept(e.getMessage());
      return new double[] {Double.NaN};
    }
  }

  @Override
  void close();
}
