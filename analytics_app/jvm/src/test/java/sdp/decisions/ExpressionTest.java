package sdp.decisions;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import sdp.decisions.Expression.FailedException;

/** What a stored expression is over an event and a profile. */
class ExpressionTest {
  private static final Map<String, Object> VARIABLES =
      Map.of(
          "event",
              Map.of(
                  "balance",
                  250.0,
                  "count",
                  5L,
                  "occurred_at",
                  Instant.parse("2026-11-21T10:00:00Z"),
                  "kind",
                  "low"),
          "profile", Map.of("age", 30L, "segment", "student"),
          "features", Map.of());

  private static Object value(String expression) throws FailedException {
    return Expression.ofChecked(Checked.of(expression), expression).evaluate(VARIABLES);
  }

  private static String why(String expression) throws FailedException {
    Expression read = Expression.ofChecked(Checked.of(expression), expression);
    assertEquals(false, read.evaluate(VARIABLES));
    return read.whyFalse(VARIABLES);
  }

  @Test
  void theStoredFormRuns() throws FailedException {
    assertEquals(true, value("event.balance >= 250.0 && profile.segment == 'student'"));
    assertEquals(true, value("event.balance > 249 && profile.age < 30.5"));
    assertEquals(true, value("event.occurred_at.getHours() == 10"));
    assertEquals(true, value("event.occurred_at < timestamp('2026-11-21T10:00:01Z')"));
    assertEquals(true, value("profile.segment in ['student', 'private']"));
    assertEquals(true, value("profile.segment.matches('^stu')"));
  }

  /** Checked by Google's CEL in C++ over messages, as the API does it; the values here are maps. */
  @Test
  void whatTheApiHasCheckedIsTheSameHere() throws Exception {
    int count = 0;
    for (String line : new String(checked(), UTF_8).split("\n")) {
      String[] parts = line.split("\t");
      Expression expression = Expression.ofChecked(parts[2], parts[0]);
      String found;
      try {
        Object value = expression.evaluate(VARIABLES);
        found =
            Boolean.FALSE.equals(value)
                ? "false: " + expression.whyFalse(VARIABLES)
                : value instanceof Boolean ? "true" : Placeholder.text(value);
      } catch (FailedException e) {
        found = "error";
      }
      assertEquals(parts[1], found, parts[0]);
      count++;
    }
    assertTrue(count > 10);
  }

  private static byte[] checked() throws IOException {
    try (InputStream stream = ExpressionTest.class.getResourceAsStream("checked.tsv")) {
      return stream.readAllBytes();
    }
  }

  @Test
  void absentFieldsAreAbsent() throws FailedException {
    assertEquals(false, value("has(profile.email)"));
    assertEquals(true, value("has(profile.age)"));
    assertThrows(FailedException.class, () -> value("profile.email == 'a'"));
  }

  @Test
  void falseNamesTheComparisonThatFailedWithItsValues() throws FailedException {
    assertEquals(
        "event.balance < 200.0 (event.balance is 250.0)",
        why("profile.age > 18 && event.balance < 200.0"));
    assertEquals(
        "event.count > 5 (event.count is 5) and profile.segment == \"private\" (profile.segment is"
            + " \"student\")",
        why("event.count > 5 || profile.segment == 'private'"));
    assertEquals(
        "event.balance - 50.0 < double(profile.age) (event.balance is 250.0, profile.age is 30)",
        why("event.balance - 50.0 < double(profile.age)"));
    assertEquals("has(profile.email)", why("has(profile.email) && profile.email != ''"));
    assertEquals(
        "profile.age > 40 (profile.age is 30)", why("event.count > 1 ? profile.age > 40 : true"));
  }

  @Test
  void whatFailsSaysWhy() {
    for (String wrong :
        List.of("1 / 0 == 1", "event.nothing == 1", "event.kind + 1 == 2", "int('x') == 1")) {
      FailedException failed = assertThrows(FailedException.class, () -> value(wrong), wrong);
      assertTrue(failed.getMessage().length() > 5, failed.getMessage());
    }
  }

  @Test
  void whatItMayCostIsBounded() {
    String list = String.join(",", Collections.nCopies(101, "1"));
    String nested = "[%s].all(a, [%s].all(b, a + b > 0))".formatted(list, list);
    FailedException failed = assertThrows(FailedException.class, () -> value(nested));
    assertTrue(failed.getMessage().contains("budget"), failed.getMessage());
  }

  @Test
  void whatCannotBeReadSaysSo() {
    assertThrows(FailedException.class, () -> Expression.ofChecked("no base64!", "true"));
    assertThrows(FailedException.class, () -> Expression.ofChecked("AAAA", "true"));
    assertThrows(FailedException.class, () -> Expression.ofChecked(null, "true"));
  }
}
