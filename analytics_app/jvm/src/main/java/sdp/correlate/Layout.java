package sdp.correlate;

import java.io.Serializable;
import java.util.List;
import org.apache.flink.table.types.logical.LogicalTypeRoot;

/**
 * One correlation: its columns, its stages and its rules.
 *
 * @param name identifies it among the operators of a job, and in their state
 * @param columns what is known of a record: the columns written to it, and those renamed by stage
 * @param types of the columns
 * @param key which column is the key
 * @param own one bit for each column that belongs to a record alone, so never fills another's
 * @param stages the values of the stage column, in order
 * @param window how far from the first stage the others may be, in milliseconds
 * @param lateness how far behind the watermark a record may be, in milliseconds
 */
record Layout(
    String name,
    List<String> columns,
    List<LogicalTypeRoot> types,
    int key,
    long own,
    List<String> stages,
    long window,
    long lateness)
    implements Serializable {
  private static final int SHARE_OF_OPEN_TIME = 20;
  private static final long MIN_STEP = 1_000;
  private static final long MAX_STEP = 30_000;

  /** One bit for each column whose values are of variable length. */
  long variable() {
    long variable = 0;
    for (int column = 0; column < types.size(); column++) {
      variable |= isVariable(types.get(column)) ? 1L << column : 0;
    }
    return variable;
  }

  private static boolean isVariable(LogicalTypeRoot type) {
    return switch (type) {
      case CHAR, VARCHAR, BINARY, VARBINARY -> true;
      default -> false;
    };
  }

  /** Keys that close within this many milliseconds may be closed together. */
  long step() {
    long open = (window + lateness) / SHARE_OF_OPEN_TIME;
    return Math.max(MIN_STEP, Math.min(MAX_STEP, open));
  }

  /** What must stay while the state is kept, as the planner describes its operators. */
  String description() {
    return "Correlate(key=[%s], stages=[%s])"
        .formatted(columns.get(key), String.join(", ", stages));
  }

  /** What the outcomes have behind the columns: the outcome, its detail, each stage's time. */
  int width() {
    return columns.size() + 2 + stages.size();
  }
}
