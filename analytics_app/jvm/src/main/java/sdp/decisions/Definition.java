package sdp.decisions;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import sdp.definitions.Version;
import sdp.scores.Artifact;

/** A version of a definition, read. One that cannot be read is wrong, and says so where it acts. */
sealed interface Definition {
  String RULE = "rule";
  String TEMPLATE = "template";
  String THRESHOLD = "threshold";
  String FEATURE = "feature";

  /** Written by the promotion of a model, not by people. */
  String MODEL = "model";

  Version version();

  /**
   * Lets business events of a kind pass.
   *
   * @param expression null if it cannot be read; then {@code mistake} says why
   * @param action the template of the action, or null
   * @param priority of two actions with equal scores the one with the greater priority is chosen
   */
  record Rule(
      Version version,
      String kindOfEvent,
      Expression expression,
      String mistake,
      String action,
      long priority)
      implements Definition {}

  /** The least score of an action for a kind of business event. */
  record Threshold(Version version, String kindOfEvent, double value) implements Definition {}

  /** A value that rules and templates for a kind of business event use by its name. */
  record Feature(Version version, String kindOfEvent, Expression expression)
      implements Definition {}

  /** What an action says. */
  record Template(Version version, String channel, Text title, Text message) implements Definition {

    /** The names of the features that its placeholders use. */
    Set<String> features() {
      return Stream.of(title, message)
          .flatMap(text -> text.placeholders().stream())
          .flatMap(placeholder -> placeholder.features().stream())
          .collect(Collectors.toSet());
    }
  }

  /** The model that scores are computed by. */
  record Model(Version version, Artifact artifact) implements Definition {}

  /** A version that cannot be read. */
  record Wrong(Version version, String mistake) implements Definition {}

  /**
   * A text with placeholders, {@code {{ expression }}}, each a CEL expression.
   *
   * @param literals the texts before, between and after the placeholders
   */
  record Text(List<String> literals, List<Expression> placeholders) {
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{(.*?)\\}\\}", Pattern.DOTALL);

    /**
     * @param checked the checked expressions, as base64, by the texts of the placeholders
     */
    static Text of(String text, JsonNode checked) throws Expression.FailedException {
      List<String> literals = new ArrayList<>();
      List<Expression> placeholders = new ArrayList<>();
      Matcher matcher = PLACEHOLDER.matcher(text);
      int at = 0;
      for (; matcher.find(); at = matcher.end()) {
        literals.add(text.substring(at, matcher.start()));
        String expression = matcher.group(1).strip();
        placeholders.add(Expression.ofChecked(checked.path(expression).textValue(), expression));
      }
      literals.add(text.substring(at));
      return new Text(literals, placeholders);
    }

    String filled(Features features) throws Expression.FailedException {
      StringBuilder filled = new StringBuilder(literals.get(0));
      for (int i = 0; i < placeholders.size(); i++) {
        filled.append(Placeholder.text(features.evaluate(placeholders.get(i))));
        filled.append(literals.get(i + 1));
      }
      return filled.toString();
    }
  }

  /** Reads a version of a kind that decides; null for another kind. */
  static Definition of(Version version) {
    try {
      JsonNode body = Json.MAPPER.readTree(version.body());
      return switch (version.kind()) {
        case RULE -> rule(version, body);
        case TEMPLATE -> template(version, body);
        case THRESHOLD ->
            new Threshold(version, text(body, "kind_of_event"), body.path("value").asDouble());
        case FEATURE ->
            new Feature(
                version,
                text(body, "kind_of_event"),
                Expression.ofChecked(version.checked(), text(body, "expression")));
        case MODEL -> new Model(version, artifact(body));
        default -> null;
      };
    } catch (JsonProcessingException | IllegalArgumentException | Expression.FailedException e) {
      return new Wrong(version, e.getMessage());
    }
  }

  private static Rule rule(Version version, JsonNode body) {
    Expression expression = null;
    String mistake = null;
    String text = body.path("expression").asText();
    try {
      expression = Expression.ofChecked(version.checked(), text);
    } catch (Expression.FailedException e) {
      mistake = e.getMessage();
    }
    String action = body.hasNonNull("action") ? body.path("action").asText() : null;
    long priority = body.path("priority").asLong();
    return new Rule(version, text(body, "kind_of_event"), expression, mistake, action, priority);
  }

  private static Template template(Version version, JsonNode body)
      throws Expression.FailedException, JsonProcessingException {
    JsonNode checked =
        Json.MAPPER.readTree(version.placeholders() == null ? "{}" : version.placeholders());
    Text title = Text.of(text(body, "title"), checked);
    Text message = Text.of(text(body, "message"), checked);
    return new Template(version, text(body, "channel"), title, message);
  }

  private static Artifact artifact(JsonNode body) {
    return new Artifact(text(body, "model_version"), text(body, "uri"), text(body, "fingerprint"));
  }

  private static String text(JsonNode body, String name) {
    if (!body.path(name).isTextual()) {
      throw new IllegalArgumentException("'%s' is missing or no text".formatted(name));
    }
    return body.path(name).asText();
  }

  /** Reads and writes JSON. */
  final class Json {
    static final ObjectMapper MAPPER = new ObjectMapper();

    private Json() {}
  }
}
