import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import sdp.scores.Model;
import sdp.scores.OnnxModel;

/**
 * How many rows a second of one core's time the evaluator of the stream scores: {@code GRAPH ROWS
 * SECONDS}. ROWS has a line of tab-separated values for each row, in the order of the graph's
 * inputs. Prints a line of JSON for each number of rows that are scored at once; the first seconds
 * of each are not counted. Fails if a row has another score with others than alone, be it in the
 * last bit: a replay scores it with others.
 */
class Rate {
  private static final int[] AT_ONCE = {1, 8, 64, 512};

  public static void main(String[] arguments) throws Exception {
    double seconds = Double.parseDouble(arguments[2]);
    try (Model model = OnnxModel.of(Files.readAllBytes(Path.of(arguments[0])))) {
      List<Object[]> rows = rows(model, Path.of(arguments[1]));
      double[] alone = scores(model, rows, 1);
      for (int count : AT_ONCE) {
        if (!Arrays.equals(alone, scores(model, rows, count))) {
          throw new IllegalStateException("A row has another score among " + count);
        }
        measure(model, rows, count, seconds / 2);
        double rate = measure(model, rows, count, seconds);
        System.out.printf("{\"at_once\": %d, \"rows_per_core_second\": %.0f}%n", count, rate);
      }
    }
  }

  /** The scores of all rows, a number of which are scored at once. */
  private static double[] scores(Model model, List<Object[]> rows, int count) {
    double[] scores = new double[rows.size()];
    for (int at = 0; at < scores.length; at += count) {
      int length = Math.min(count, scores.length - at);
      double[] some = model.scores(rows.subList(at, at + length));
      System.arraycopy(some, 0, scores, at, length);
    }
    return scores;
  }

  private static List<Object[]> rows(Model model, Path file) throws Exception {
    List<Object[]> rows = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      String[] texts = line.split("\t", -1);
      Object[] row = new Object[texts.length];
      for (int column = 0; column < row.length; column++) {
        boolean isText = model.inputs().get(column).isText();
        row[column] = isText ? texts[column] : (Object) Double.valueOf(texts[column]);
      }
      rows.add(row);
    }
    return rows;
  }

  /** Rows a second of the processor time that this thread took; nothing else works for it. */
  private static double measure(Model model, List<Object[]> rows, int count, double seconds) {
    var threads = ManagementFactory.getThreadMXBean();
    long start = threads.getCurrentThreadCpuTime();
    long scored = 0;
    long spent = 0;
    double sum = 0;
    for (int at = 0; spent < seconds * 1e9; at = (at + count) % (rows.size() - count)) {
      sum += model.scores(rows.subList(at, at + count))[0];
      scored += count;
      spent = threads.getCurrentThreadCpuTime() - start;
    }
    if (Double.isNaN(sum)) {
      throw new IllegalStateException("A row has no score");
    }
    return scored * 1e9 / spent;
  }
}
