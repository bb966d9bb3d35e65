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
 *
 * <p>An operator with keyed state is named by what it is ({@link Content}), and not by the tables
 * that its rows reach: other readers of a view come and go. One without state is named by the first
 * of these tables. That was the name of every operator before, so those with state are found by it
 * too (an operator has a second id for this).
 */
public final class OperatorIds {
  private static final Map<StreamExecutionEnvironment, OperatorIds> OF = new WeakHashMap<>();

  private final Map<String, Integer> times = new HashMap<>();
  private final Map<String, Named> contents = new HashMap<>();

  /** The first operator of a content, and its name by the table that it reaches. */
  private record Named(Transformation<?> operator, String byTable) {}

  /**
   * Names the operators before a table. What a table before has named keeps its name. A name by
   * table is the table's, the kind of operator, and a number from the second of a kind on, counted
   * from the table.
   */
  public static synchronized void assign(DataStream<?> rows, String table) {
    OperatorIds ids = of(rows.getExecutionEnvironment());
    Set<Transformation<?>> visited = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Transformation<?>> open = new ArrayDeque<>(List.of(rows.getTransformation()));
    while (!open.isEmpty()) {
      Transformation<?> next = open.poll();
      if (visited.add(next)) {
        open.addAll(next.getInputs());
        if (next instanceof PhysicalTransformation && next.getUid() == null) {
          ids.assign(next, ids.unique(table + " " + Content.kind(next)));
        }
      }
    }
  }

  private void assign(Transformation<?> operator, String byTable) {
    if (!Content.isKeyed(operator)) {
      operator.setUid(byTable);
      return;
    }
    String content = Content.of(operator);
    Named same = contents.putIfAbsent(content, new Named(operator, byTable));
    operator.setUid(same == null ? content : apart(content, byTable));
    if (same != null) {
      same.operator.setUid(apart(content, same.byTable));
    }
    operator.setUidHash(Content.hash(byTable));
  }

  /** Two operators that differ in no more than a number: by table they are never confused. */
  private static String apart(String content, String byTable) {
    return content + " of " + byTable;
  }

  private static OperatorIds of(StreamExecutionEnvironment environment) {
    return OF.computeIfAbsent(environment, e -> new OperatorIds());
  }

  /** The id, with a number if the job has an operator of this id: a job is planned once. */
  public static synchronized String unique(StreamExecutionEnvironment environment, String id) {
    return of(environment).unique(id);
  }

  private String unique(String id) {
    int number = times.merge(id, 1, Integer::sum);
    return number == 1 ? id : id + " " + number;
  }

  private OperatorIds() {}
}
