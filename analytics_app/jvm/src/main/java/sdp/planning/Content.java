package sdp.planning;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.apache.flink.api.dag.Transformation;
import org.apache.flink.shaded.guava33.com.google.common.hash.Hashing;
import org.apache.flink.streaming.api.transformations.KeyedMultipleInputTransformation;
import org.apache.flink.streaming.api.transformations.OneInputTransformation;
import org.apache.flink.streaming.api.transformations.SideOutputTransformation;
import org.apache.flink.streaming.api.transformations.TwoInputTransformation;

/**
 * What an operator of the planner is: its kind, what decides the layout of its state (keys,
 * aggregates, pattern, columns and types of its inputs), and what its rows are made of (sources,
 * ports, other operators with state, and the filters between).
 *
 * <p>Left out is what may change while the state stays: numbers in filters, time bounds and
 * expressions, which are mostly parameters, and the check of the events.
 */
final class Content {
  /** By kind of operator, the parts of its description that decide the layout of its state. */
  private static final Map<String, List<String>> DECISIVE =
      Map.of(
          "GroupAggregate", List.of("groupBy", "select"),
          "WindowAggregate", List.of("groupBy", "select"),
          "OverAggregate", List.of("partitionBy", "orderBy", "select"),
          "Deduplicate", List.of("keep", "key", "order"),
          "Rank", List.of("rankType", "partitionBy", "orderBy"),
          "Match", List.of("partitionBy", "orderBy", "pattern"),
          "Join", List.of("joinType", "leftInputSpec", "rightInputSpec"),
          "IntervalJoin", List.of("joinType"),
          "ChangelogNormalize", List.of("key"),
          "ProcessTableFunction", List.of("uid"));

  private static final Pattern NUMBER = Pattern.compile("(?<![\\w$'])\\d+(\\.\\d+)?(E\\d+)?");

  /** The check of the events, in each reader of those that are well-formed. */
  private static final String WELL_FORMED = "violation IS NULL";

  /** Whether an operator has state by key. */
  static boolean isKeyed(Transformation<?> operator) {
    return operator instanceof OneInputTransformation<?, ?> one && one.getStateKeyType() != null
        || operator instanceof TwoInputTransformation<?, ?, ?> two && two.getStateKeyType() != null
        || operator instanceof KeyedMultipleInputTransformation<?>;
  }

  /** The planner's name without the number of its node: "GroupAggregate[12]". */
  static String kind(Transformation<?> operator) {
    return operator.getName().replaceAll("\\[\\d+\\]", "");
  }

  /** The id of an operator: its kind, and a hash of all that it is. */
  static String of(Transformation<?> operator) {
    StringBuilder text = new StringBuilder(kind(operator));
    for (String part : DECISIVE.getOrDefault(kind(operator), List.of())) {
      text.append('\n').append(part).append('=').append(part(operator, part));
    }
    for (Transformation<?> input : operator.getInputs()) {
      text.append("\ninput ").append(input.getOutputType());
      var origins = new TreeSet<String>();
      addOrigins(input, origins);
      origins.forEach(origin -> text.append("\n  ").append(origin));
    }
    return kind(operator) + " " + hash(text.toString());
  }

  /** How Flink makes an operator's id of the text that names it. */
  static String hash(String id) {
    return Hashing.murmur3_128(0).hashString(id, StandardCharsets.UTF_8).toString();
  }

  private static void addOrigins(Transformation<?> from, TreeSet<String> origins) {
    if (from instanceof SideOutputTransformation<?> port) {
      origins.add(port.getInputs().get(0).getUid() + " " + port.getOutputTag().getId());
    } else if (from.getInputs().isEmpty()) {
      origins.add(from.getUid() == null ? kind(from) : from.getUid());
    } else if (isKeyed(from)) {
      origins.add(of(from));
    } else {
      filters(from).forEach(origins::add);
      from.getInputs().forEach(input -> addOrigins(input, origins));
    }
  }

  /** What rows must satisfy to pass, but for expressions and the check of the events. */
  private static List<String> filters(Transformation<?> operator) {
    return conditions(part(operator, "where")).stream()
        .filter(condition -> !condition.contains("CASE(") && !condition.equals(WELL_FORMED))
        .map(condition -> NUMBER.matcher(condition).replaceAll("?"))
        .toList();
  }

  /** The operands of the outermost AND. */
  private static List<String> conditions(String where) {
    String text =
        where.startsWith("(") && end(where, 0) == where.length() - 1 ? inner(where) : where;
    List<String> found = new ArrayList<>();
    int from = 0;
    for (int at = 0; at < text.length(); at++) {
      if (text.charAt(at) == '(') {
        at = end(text, at);
      } else if (text.startsWith(" AND ", at)) {
        found.add(text.substring(from, at));
        from = at + 5;
      }
    }
    found.add(text.substring(from));
    return found;
  }

  private static String inner(String text) {
    return text.substring(1, text.length() - 1);
  }

  /** A part of the planner's description, "name=[…]", or nothing. */
  private static String part(Transformation<?> operator, String name) {
    String description = operator.getDescription() == null ? "" : operator.getDescription();
    int at =
        Math.max(description.indexOf("(" + name + "=["), description.indexOf(", " + name + "=["));
    if (at < 0) {
      return "";
    }
    int opened = description.indexOf('[', at);
    return description.substring(opened + 1, end(description, opened));
  }

  /** Where the bracket is closed that is opened here; brackets in texts do not count. */
  private static int end(String text, int opened) {
    int depth = 0;
    boolean quoted = false;
    for (int at = opened; at < text.length(); at++) {
      char next = text.charAt(at);
      quoted ^= next == '\'';
      if (!quoted && (next == '(' || next == '[')) {
        depth++;
      } else if (!quoted && (next == ')' || next == ']') && --depth == 0) {
        return at;
      }
    }
    return text.length();
  }

  private Content() {}
}
