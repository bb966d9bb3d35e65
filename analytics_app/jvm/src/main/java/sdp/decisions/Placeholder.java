package sdp.decisions;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/** The value of a placeholder as people read it. */
final class Placeholder {
  private static final int DECIMALS = 2;
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  /** A number that may have decimals has two, rounded half to even from its exact value. */
  static String text(Object value) throws Expression.FailedException {
    if (value instanceof Double number && Double.isFinite(number)) {
      return new BigDecimal(number).setScale(DECIMALS, RoundingMode.HALF_EVEN).toPlainString();
    }
    if (value instanceof Long || value instanceof String) {
      return value.toString();
    }
    if (value instanceof Instant time) {
      return TIME.format(time);
    }
    throw new Expression.FailedException(
        "a placeholder is a text, a finite number or a time, not " + value, null);
  }

  private Placeholder() {}
}
