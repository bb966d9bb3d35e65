package sdp.planning;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.dag.Transformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.transformations.PhysicalTransformation;
import org.apache.flink.streaming.api.transformations.UnionTransformation;

/**
 * How rows go from one task to another: on few ways, and without waiting long for others that are
 * sent with them. Flink's own 100 ms cannot be changed by a setting on Managed Flink.
 */
public final class Hops {
  /**
   * How long events on their way to an operator wait at most, in milliseconds. A subtask sends to
   * each of the next operator's: where those are more than {@link #FEW}, events wait as much longer
   * so that it sends no more buffers.
   */
  private static final long EVENTS = 5;

  private static final int FEW = 4;

  /**
   * What an operator with state has found is sent at once. It is rarer than events, and while
   * nothing is found no thread has to look whether something waits.
   */
  private static final long FOUND = 0;

  /** The streams that these rows are united from, or they themselves. */
  public static <T> List<DataStream<T>> branches(DataStream<T> rows) {
    List<DataStream<T>> found = new ArrayList<>();
    addBranches(rows, found);
    return found;
  }

  private static <T> void addBranches(DataStream<T> rows, List<DataStream<T>> found) {
    if (rows.getTransformation() instanceof UnionTransformation<T> union) {
      for (Transformation<?> input : union.getInputs()) {
        @SuppressWarnings("unchecked")
        var branch = (Transformation<T>) input;
        addBranches(new DataStream<>(rows.getExecutionEnvironment(), branch), found);
      }
    } else {
      found.add(rows);
    }
  }

  /** On all ways to these rows, also on those that the planner has put there. */
  public static void shorten(DataStream<?> rows) {
    int parallelism = rows.getExecutionEnvironment().getParallelism();
    long events = EVENTS * Math.max(FEW, parallelism) / FEW;
    for (Transformation<?> before : rows.getTransformation().getTransitivePredecessors()) {
      shorten(before, isFound(before) ? FOUND : events);
    }
  }

  /**
   * In front of a sink, which waits for a batch itself: only what was found, so that no further
   * thread looks whether events wait.
   */
  public static void shortenFound(DataStream<?> rows) {
    for (DataStream<?> branch : branches(rows)) {
      if (isFound(branch.getTransformation())) {
        shorten(branch.getTransformation(), FOUND);
      }
    }
  }

  private static void shorten(Transformation<?> rows, long millis) {
    if (rows instanceof PhysicalTransformation<?> sent && sent.getBufferTimeout() < 0) {
      sent.setBufferTimeout(millis);
    }
  }

  private static boolean isFound(Transformation<?> rows) {
    return rows.getTransitivePredecessors().stream()
        .anyMatch(before -> before != rows && Content.isKeyed(before));
  }

  private Hops() {}
}
