package sdp.checks;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;

/**
 * What makes a record malformed, as a line of the option {@code checks}: {@code stage column kind
 * limit sentence}; the stage {@code *} is every stage. The kinds {@code ahead}, {@code missing} and
 * {@code unknown} are about the record's time and stage.
 */
public record Check(String stage, String column, Kind kind, String limit, String text)
    implements Serializable {

  enum Kind {
    AHEAD,
    MISSING,
    UNKNOWN,
    REQUIRED,
    MIN_LENGTH,
    MAX_LENGTH,
    MIN,
    MAX;

    static Kind of(String name) {
      return Arrays.stream(values())
          .filter(k -> k.name().equalsIgnoreCase(name.replace('-', '_')))
          .findFirst()
          .orElseThrow(() -> new ValidationException("checks: '" + name + "' is no kind of check"));
    }
  }

  public static List<Check> parse(String lines) {
    return lines.lines().map(String::strip).filter(l -> !l.isEmpty()).map(Check::line).toList();
  }

  private static Check line(String line) {
    String[] parts = line.split(" ", 5);
    if (parts.length < 5) {
      throw new ValidationException(
          "checks: '" + line + "' is not 'stage column kind limit sentence'");
    }
    return new Check(parts[0], parts[1], Kind.of(parts[2]), parts[3], parts[4]);
  }

  boolean isAbout(String of) {
    return kind.compareTo(Kind.REQUIRED) >= 0 && (stage.equals("*") || stage.equals(of));
  }

  /** What is reported of a record that fails it. */
  String violation() {
    return "/" + column + " " + text;
  }

  /** The check of one column of a row. */
  Bound bind(int position, LogicalTypeRoot type, int reason) {
    boolean real = type == LogicalTypeRoot.DOUBLE;
    boolean limited = kind != Kind.REQUIRED;
    return new Bound(
        kind,
        position,
        real,
        limited && !real ? Long.parseLong(limit) : 0,
        limited && real ? Double.parseDouble(limit) : 0,
        reason);
  }

  /**
   * @param reason identifies the check in the header of a record
   */
  record Bound(Kind kind, int column, boolean real, long limit, double bound, int reason)
      implements Serializable {

    boolean fails(RowData row) {
      if (row.isNullAt(column)) {
        return kind == Kind.REQUIRED;
      }
      return switch (kind) {
        case MIN_LENGTH -> isShorter((BinaryStringData) row.getString(column));
        case MAX_LENGTH -> isLonger((BinaryStringData) row.getString(column));
        case MIN -> real ? row.getDouble(column) < bound : row.getLong(column) < limit;
        case MAX -> real ? row.getDouble(column) > bound : row.getLong(column) > limit;
        default -> false;
      };
    }

    /** Characters are counted only where the number of bytes leaves it open. */
    private boolean isShorter(BinaryStringData text) {
      int bytes = text.getSizeInBytes();
      return bytes < limit || bytes < 4 * limit && text.numChars() < limit;
    }

    private boolean isLonger(BinaryStringData text) {
      return text.getSizeInBytes() > limit && text.numChars() > limit;
    }
  }
}
