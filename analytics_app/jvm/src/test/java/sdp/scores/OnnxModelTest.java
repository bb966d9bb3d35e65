package sdp.scores;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

/** The graph of {@code tests/unit/ml/for_java.py} scores as the model that it was made of. */
final class OnnxModelTest {
  private static final double TOLERANCE = 1e-6;

  static byte[] graph() throws IOException {
    return resource("win.onnx");
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream stream = OnnxModelTest.class.getResourceAsStream(name)) {
      return stream.readAllBytes();
    }
  }

  /** The rows of the other file, in the order of the inputs. */
  private static List<Object[]> rows(JsonNode answers, List<Model.Input> inputs) {
    List<Object[]> rows = new ArrayList<>();
    for (int row = 0; row < answers.get("scores").size(); row++) {
      Object[] values = new Object[inputs.size()];
      for (int column = 0; column < values.length; column++) {
        JsonNode value = answers.get("columns").get(inputs.get(column).name()).get(row);
        values[column] =
            value.isNull() ? null : value.isTextual() ? value.asText() : value.doubleValue();
      }
      rows.add(values);
    }
    return rows;
  }

  @Test
  void scoresAreThoseOfTheTrainedModelForOddTextsAndNumbersToo() throws Exception {
    JsonNode answers = new ObjectMapper().readTree(resource("win.json"));
    try (Model model = OnnxModel.of(graph())) {
      List<Object[]> rows = rows(answers, model.inputs());
      double[] scores = model.scores(rows);
      for (int row = 0; row < scores.length; row++) {
        assertEquals(
            answers.get("scores").get(row).doubleValue(), scores[row], TOLERANCE, "row " + row);
      }
      for (int together : new int[] {1, 2, 3, 5, 8, 9, 17, 64}) {
        for (int first = 0; first < scores.length; first += together) {
          int behind = Math.min(first + together, scores.length);
          assertArrayEquals(
              Arrays.copyOfRange(scores, first, behind),
              model.scores(rows.subList(first, behind)),
              "to the last bit, rows from %d to %d".formatted(first, behind));
        }
      }
    }
  }

  @Test
  void aRowWithoutANumberOrWithANegativeOneHasNoScore() throws Exception {
    try (Model model = OnnxModel.of(graph())) {
      Object[] complete = {"77", "a", "a", "a", 100.0};
      Object[] without = {"77", "a", "a", "a", null};
      Object[] negative = {"77", "a", "a", "a", -1L};
      double[] scores = model.scores(List.of(complete, without, negative));
      assertTrue(scores[0] > 0 && scores[0] < 1);
      assertArrayEquals(new double[] {Double.NaN, Double.NaN}, new double[] {scores[1], scores[2]});
      assertEquals(0, model.scores(List.of()).length);
    }
  }

  @Test
  void whatIsNoGraphIsInvalid() {
    assertThrows(InvalidModelException.class, () -> OnnxModel.of(new byte[0]));
    assertThrows(InvalidModelException.class, () -> OnnxModel.of("no graph".getBytes()));
    assertThrows(
        InvalidModelException.class,
        () -> OnnxModel.of(java.util.Arrays.copyOf(graph(), graph().length / 2)));
  }
}
