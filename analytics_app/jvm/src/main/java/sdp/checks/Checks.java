package sdp.checks;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;

/** Finds the stage of a row, which is the type of its event, and what the row violates. */
public final class Checks implements Serializable {
  private static final long serialVersionUID = 1L;

  /** The row is of a type that is no stage and no violation. */
  public static final int IGNORED = -2;

  private final List<String> stages;
  private final String ignored;
  private final int stageColumn;
  private final int time;
  private final int arrival;
  private final int received;
  private final Check.Bound[][] bound;
  private final String[] violations;
  private int ahead;
  private int missing;
  private int unknown;
  private long aheadMillis;

  private transient BinaryStringData[] names;
  private transient BinaryStringData ignoredName;
  private transient int stage;

  /** Where in the written row what the checks need is; -1 where it has none. */
  public record Columns(int stage, int time, int arrival, int received) {}

  public Checks(
      List<Check> checks,
      List<String> names,
      List<LogicalTypeRoot> types,
      List<String> stages,
      String ignored,
      Columns columns) {
    this.stages = List.copyOf(stages);
    this.ignored = ignored;
    stageColumn = columns.stage;
    time = columns.time;
    arrival = columns.arrival;
    received = columns.received;
    violations = new String[checks.size() + 1];
    bound = new Check.Bound[stages.size()][];
    for (int i = 0; i < checks.size(); i++) {
      violations[i + 1] = checks.get(i).violation();
      set(checks.get(i), i + 1);
    }
    for (int of = 0; of < stages.size(); of++) {
      bound[of] = bound(checks, names, types, stages.get(of));
    }
  }

  private void set(Check check, int reason) {
    switch (check.kind()) {
      case AHEAD -> {
        ahead = reason;
        aheadMillis = Long.parseLong(check.limit());
      }
      case MISSING -> missing = reason;
      case UNKNOWN -> unknown = reason;
      default -> {} // is about a column
    }
  }

  private static Check.Bound[] bound(
      List<Check> checks, List<String> names, List<LogicalTypeRoot> types, String stage) {
    List<Check.Bound> found = new ArrayList<>();
    for (int i = 0; i < checks.size(); i++) {
      Check check = checks.get(i);
      if (check.isAbout(stage)) {
        int column = names.indexOf(check.column());
        if (column < 0) {
          throw new ValidationException("checks: '" + check.column() + "' is no column");
        }
        found.add(check.bind(column, types.get(column), i + 1));
      }
    }
    return found.toArray(Check.Bound[]::new);
  }

  /** What is violated, by the reason in a record's header; the first is none. */
  public String[] violations() {
    return violations.clone();
  }

  /** The stage that {@link #violation} has found: its number, negative if there is none. */
  public int stage() {
    return stage;
  }

  /** The reason why a row is malformed; 0 if it is not. Finds the row's stage. */
  public int violation(RowData row) {
    stage = row.isNullAt(stageColumn) ? -1 : stage(row.getString(stageColumn));
    if (isAhead(row)) {
      return ahead;
    }
    if (stage == IGNORED) {
      return 0;
    }
    if (stage < 0) {
      return row.isNullAt(stageColumn) ? missing : unknown;
    }
    for (Check.Bound check : bound[stage]) {
      if (check.fails(row)) {
        return check.reason();
      }
    }
    return 0;
  }

  private int stage(StringData name) {
    if (names == null) {
      names = stages.stream().map(BinaryStringData::fromString).toArray(BinaryStringData[]::new);
      ignoredName = BinaryStringData.fromString(ignored);
    }
    for (int of = 0; of < names.length; of++) {
      if (names[of].equals(name)) {
        return of;
      }
    }
    return ignoredName.equals(name) ? IGNORED : -1;
  }

  private boolean isAhead(RowData row) {
    if (ahead == 0 || row.isNullAt(time)) {
      return false;
    }
    int against = arrival >= 0 && !row.isNullAt(arrival) ? arrival : received;
    return against >= 0
        && !row.isNullAt(against)
        && millis(row, time) > millis(row, against) + aheadMillis;
  }

  private static long millis(RowData row, int column) {
    return row.getTimestamp(column, 3).getMillisecond();
  }
}
