package sdp.scores;

import java.util.List;

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
   */
  double[] scores(List<Object[]> rows);

  @Override
  void close();
}
