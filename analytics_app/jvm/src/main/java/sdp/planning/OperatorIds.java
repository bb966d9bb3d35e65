package sdp.planning;

import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import org.apache.flink.api.dag.Transformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.transformations.PhysicalTransformation;

/**
 * Ids of operators that stay the same when the parallelism or another part of the job changes.
 *
 * <p>The ids that Flink generates for SQL depend on the position in the plan and on what is
 * chained, which changes with the parallelism; state whose operator has another id is lost, or
 * refused. `table.exec.uid.generation` would give stable ones, but Managed Flink does not take it
 * from code. So a table that is written to names what the planner has put before it.
 */
public final class OperatorIds {
  private static final Map<StreamExecutionEnvironment, Map<String, Integer>> USED =
      new WeakHashMap<>();

  /**
   * Names the operators before a table: the table's name, the kind of operator, and a number from
   * the second of a kind on, counted from the table. What a table before has named keeps its name.
   */
  public static void assign(DataStream<?> rows, String table) {
    Set<Transformation<?>> visited = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Transformation<?>> open = new ArrayDeque<>(List.of(rows.getTransformation()));
    while (!open.isEmpty()) {
      Transformation<?> next = open.poll();
      if (visited.add(next)) {
        open.addAll(next.getInputs());
        assign(rows.getExecutionEnvironment(), next, table);
      }
    }
  }

  private static void assign(
      StreamExecutionEnvironment environment, Transformation<?> operator, String table) {
    if (operator instanceof PhysicalTransformation && operator.getUid() == null) {
      operator.setUid(unique(environment, table + " " + kind(operator)));
    }
  }

  /** The planner's name without the number of its node: "GroupAggregate[12]". */
  private static String kind(Transformation<?> operator) {
    return operator.getName().replaceAll("\\[\\d+\\]", "");
  }

  /** The id, with a number if the job has an operator of this id: a job is planned once. */
  public static synchronized String unique(StreamExecutionEnvironment environment, String id) {
    int times = USED.computeIfAbsent(environment, e -> new HashMap<>()).merge(id, 1, Integer::sum);
    return times == 1 ? id : id + " " + times;
  }

  private OperatorIds() {}
}
