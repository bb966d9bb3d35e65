package sdp.json;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.core.memory.MemorySegmentFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;

/**
 * Reads a JSON object of scalars straight into a row: texts stay the bytes they came as.
 *
 * <p>It reads what it is sure of and says so about the rest: nested values, escapes, numbers that
 * have an exponent, integers of too many digits, any error. Those are another's to judge.
 */
final class FlatObject {
  private static final int MOST_DIGITS = 18;

  /** Up to here every integer is a double. */
  private static final long MOST_EXACT = 1L << 53;

  private static final double[] POWERS_OF_TEN =
      IntStream.rangeClosed(0, MOST_DIGITS)
          .mapToDouble(n -> Double.parseDouble("1e" + n))
          .toArray();

  /** A column of the row; only such a name is looked at. */
  private record Column(int position, byte[] name, LogicalType type) {}

  private final Column[][] byLength;
  private final IsoTime times = new IsoTime();

  private byte[] json;
  private MemorySegment[] segments;
  private GenericRowData row;
  private int at;

  FlatObject(RowType type) {
    List<String> names = type.getFieldNames();
    byLength = new Column[1 + names.stream().mapToInt(n -> bytes(n).length).max().orElse(0)][0];
    for (int i = 0; i < names.size(); i++) {
      byte[] name = bytes(names.get(i));
      Column[] same = byLength[name.length];
      byLength[name.length] = Arrays.copyOf(same, same.length + 1);
      byLength[name.length][same.length] = new Column(i, name, type.getTypeAt(i));
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Fills the row; false if the object must be read by another, whatever is in the row now. */
  boolean read(byte[] data, GenericRowData into) {
    json = data;
    segments = new MemorySegment[] {MemorySegmentFactory.wrap(data)};
    row = into;
    at = 0;
    return take('{') && (take('}') || members()) && isAtEnd();
  }

  private boolean members() {
    do {
      if (!take('"')) {
        return false;
      }
      int start = at;
      int end = endOfText();
      if (end < 0) {
        return false;
      }
      at = end + 1;
      if (!take(':') || !value(column(start, end))) {
        return false;
      }
    } while (take(','));
    return take('}');
  }

  private Column column(int start, int end) {
    if (end - start < byLength.length) {
      for (Column column : byLength[end - start]) {
        if (Arrays.equals(json, start, end, column.name, 0, end - start)) {
          return column;
        }
      }
    }
    return null;
  }

  private boolean value(Column column) {
    skipSpace();
    if (at >= json.length) {
      return false;
    }
    return switch (json[at]) {
      case '"' -> text(column);
      case 't' -> literal("true") && bool(column, true);
      case 'f' -> literal("false") && bool(column, false);
      case 'n' -> literal("null") && set(column, null);
      default -> number(column);
    };
  }

  private boolean text(Column column) {
    int start = ++at;
    int end = endOfText();
    if (end < 0) {
      return false;
    }
    at = end + 1;
    if (column == null) {
      return true;
    }
    return switch (column.type.getTypeRoot()) {
      case VARCHAR -> set(column, BinaryStringData.fromAddress(segments, start, end - start));
      case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> {
        long millis = times.read(json, start, end);
        yield millis != IsoTime.NONE && set(column, TimestampData.fromEpochMillis(millis));
      }
      default -> false;
    };
  }

  private boolean bool(Column column, boolean value) {
    return column == null
        || switch (column.type.getTypeRoot()) {
          case BOOLEAN -> set(column, value);
          default -> false;
        };
  }

  private boolean number(Column column) {
    boolean negative = json[at] == '-';
    int first = negative ? ++at : at;
    long value = digits(0);
    int digits = at - first;
    if (digits == 0 || digits > MOST_DIGITS || digits > 1 && json[first] == '0') {
      return false;
    }
    if (at < json.length && json[at] == '.') {
      return decimal(column, negative, value, digits);
    }
    if (column == null) {
      return true;
    }
    return switch (column.type.getTypeRoot()) {
      case BIGINT -> set(column, negative ? -value : value);
      case DOUBLE -> set(column, negative ? -(double) value : (double) value);
      default -> false;
    };
  }

  /** The digits that follow, behind those that make `value`; it overflows with too many. */
  private long digits(long value) {
    while (at < json.length && json[at] >= '0' && json[at] <= '9') {
      value = value * 10 + json[at++] - '0';
    }
    return value;
  }

  /** Reads on at the point. */
  private boolean decimal(Column column, boolean negative, long whole, int wholeDigits) {
    int start = at - wholeDigits;
    int first = ++at;
    long value = digits(whole);
    int decimals = at - first;
    if (decimals == 0) {
      return false;
    }
    if (column == null) {
      return true;
    }
    return switch (column.type.getTypeRoot()) {
      case DOUBLE -> {
        boolean isShort = wholeDigits + decimals <= MOST_DIGITS;
        double number = isShort ? quotient(value, decimals, start) : parsed(start);
        yield set(column, negative ? -number : number);
      }
      default -> false;
    };
  }

  /**
   * The double that is nearest to the number: where its digits as one integer, and the power of
   * ten, are doubles without a remainder, their quotient is rounded once.
   */
  private double quotient(long digits, int decimals, int start) {
    return digits <= MOST_EXACT ? digits / POWERS_OF_TEN[decimals] : parsed(start);
  }

  private double parsed(int start) {
    return Double.parseDouble(new String(json, start, at - start, StandardCharsets.ISO_8859_1));
  }

  private boolean set(Column column, Object value) {
    if (column != null) {
      row.setField(column.position, value);
    }
    return true;
  }

  private boolean literal(String word) {
    for (int i = 0; i < word.length(); i++, at++) {
      if (at >= json.length || json[at] != word.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** Where the text that starts here ends, or -1: it has escapes, no end, or is no UTF-8. */
  private int endOfText() {
    int i = at;
    while (i < json.length) {
      byte next = json[i];
      if (next == '"') {
        return i;
      }
      if (next >= 0) {
        if (next < ' ' || next == '\\') {
          return -1;
        }
        i++;
      } else {
        int length = Utf8.length(json, i);
        if (length == 0) {
          return -1;
        }
        i += length;
      }
    }
    return -1;
  }

  private boolean take(char wanted) {
    skipSpace();
    if (at < json.length && json[at] == wanted) {
      at++;
      return true;
    }
    return false;
  }

  private boolean isAtEnd() {
    skipSpace();
    return at == json.length;
  }

  private void skipSpace() {
    while (at < json.length && json[at] <= ' ' && isSpace(json[at])) {
      at++;
    }
  }

  private static boolean isSpace(byte b) {
    return b == ' ' || b == '\n' || b == '\r' || b == '\t';
  }
}
