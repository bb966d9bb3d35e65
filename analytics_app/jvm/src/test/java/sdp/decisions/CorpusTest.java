package sdp.decisions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The corpus of expressions (tests/cel) has the results here that it has at the door. */
class CorpusTest {
  private static final Path CORPUS = Path.of("../../tests/cel/corpus.tsv");
  private static final String ERROR = "error";

  @Test
  void everyExpressionHasTheResultsOfTheDoor() throws IOException {
    Map<String, Map<String, Map<String, Object>>> samples = new LinkedHashMap<>();
    List<String[]> expressions = new ArrayList<>();
    for (String line : Files.readAllLines(CORPUS)) {
      String[] cells = line.split("\t", -1);
      switch (cells[0]) {
        case "sample" -> add(samples, cells);
        case "feature" -> addFeature(samples, cells);
        default -> expressions.add(cells);
      }
    }
    assertTrue(samples.get("spender").get("features").size() > 4);
    assertTrue(expressions.size() > 500);
    Map<String, String> different = new TreeMap<>();
    for (String[] cells : expressions) {
      int column = 2;
      for (Map<String, Map<String, Object>> sample : samples.values()) {
        String result = result(cells[cells.length - 1], cells[1], sample);
        if (!result.equals(cells[column++])) {
          different.put(cells[1] + " in column " + column, result);
        }
      }
    }
    assertEquals(Map.of(), different);
  }

  private static void add(Map<String, Map<String, Map<String, Object>>> samples, String[] cells) {
    Map<String, Map<String, Object>> sample =
        samples.computeIfAbsent(
            cells[1],
            name ->
                new TreeMap<>(
                    Map.of(
                        "event", new TreeMap<>(),
                        "profile", new TreeMap<>(),
                        "features", new TreeMap<>())));
    String[] field = cells[2].split("\\.");
    sample.get(field[0]).put(field[1], value(cells[3], cells[4]));
  }

  /** Computes a feature of each sample, which has the value of the door, or none as there. */
  private static void addFeature(
      Map<String, Map<String, Map<String, Object>>> samples, String[] cells) {
    int column = 4;
    for (Map<String, Map<String, Object>> sample : samples.values()) {
      String expected = cells[column++];
      try {
        Expression expression = Expression.ofChecked(cells[cells.length - 1], cells[3]);
        Object value = Features.value(expression.evaluate(sample));
        assertEquals(value(cells[2], expected), value, cells[1]);
        sample.get("features").put(cells[1], value);
      } catch (Expression.FailedException e) {
        assertEquals(expected, ERROR, cells[1]);
      }
    }
  }

  private static Object value(String type, String text) {
    return switch (type) {
      case "string" -> text;
      case "int" -> Long.valueOf(text);
      case "double" -> Double.valueOf(text);
      case "bool" -> Boolean.valueOf(text);
      case "timestamp" -> Instant.parse(text);
      default -> throw new IllegalArgumentException(type);
    };
  }

  private static String result(
      String checked, String text, Map<String, Map<String, Object>> sample) {
    try {
      return String.valueOf(Expression.ofChecked(checked, text).evaluate(sample));
    } catch (Expression.FailedException e) {
      return ERROR;
    }
  }
}
