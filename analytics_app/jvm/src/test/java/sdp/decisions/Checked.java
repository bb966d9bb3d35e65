package sdp.decisions;

import dev.cel.common.CelOptions;
import dev.cel.common.CelProtoAbstractSyntaxTree;
import dev.cel.common.types.CelType;
import dev.cel.common.types.MapType;
import dev.cel.common.types.SimpleType;
import dev.cel.compiler.CelCompiler;
import dev.cel.compiler.CelCompilerFactory;
import dev.cel.parser.CelStandardMacro;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import sdp.definitions.Version;

/** Checked expressions, as the API of definitions stores them. */
public final class Checked {
  private static final CelType FIELDS = MapType.create(SimpleType.STRING, SimpleType.DYN);

  private static final CelCompiler COMPILER =
      CelCompilerFactory.standardCelCompilerBuilder()
          .setOptions(CelOptions.current().enableHeterogeneousNumericComparisons(true).build())
          .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
          .addVar("event", FIELDS)
          .addVar("profile", FIELDS)
          .addVar("features", FIELDS)
          .build();

  private static final Map<String, String> KNOWN = new ConcurrentHashMap<>();

  public static String of(String expression) {
    return KNOWN.computeIfAbsent(expression, Checked::compiled);
  }

  private static String compiled(String expression) {
    try {
      var tree = CelProtoAbstractSyntaxTree.fromCelAst(COMPILER.compile(expression).getAst());
      return Base64.getEncoder().encodeToString(tree.toCheckedExpr().toByteArray());
    } catch (dev.cel.common.CelValidationException e) {
      throw new IllegalArgumentException(e);
    }
  }

  /** A live version of a rule. */
  public static Version rule(String name, long version, long validFrom, String expression) {
    return rule(name, version, validFrom, expression, null, 0);
  }

  public static Version rule(
      String name, long version, long validFrom, String expression, String action, long priority) {
    String body =
        "{\"kind_of_event\": \"low\", \"expression\": %s, \"action\": %s, \"priority\": %d}"
            .formatted(quoted(expression), quoted(action), priority);
    return new Version("rule", name, version, validFrom, true, false, body, of(expression), null);
  }

  public static Version feature(String name, long version, long validFrom, String expression) {
    String body = "{\"kind_of_event\": \"low\", \"expression\": %s}".formatted(quoted(expression));
    return new Version(
        "feature", name, version, validFrom, true, false, body, of(expression), null);
  }

  public static Version template(String name, long version, long validFrom, String message) {
    String body =
        "{\"channel\": \"push\", \"title\": \"Hello {{ profile.customer_id }}\", \"message\": %s}"
            .formatted(quoted(message));
    String checked = placeholders(message + "{{ profile.customer_id }}");
    return new Version("template", name, version, validFrom, true, false, body, null, checked);
  }

  /** One that cannot be checked is left out. */
  private static String placeholders(String text) {
    ObjectNode checked = Definition.Json.MAPPER.createObjectNode();
    for (String part : text.split("\\{\\{")) {
      if (part.contains("}}")) {
        String expression = part.substring(0, part.indexOf("}}")).strip();
        try {
          checked.put(expression, of(expression));
        } catch (IllegalArgumentException e) {
          continue;
        }
      }
    }
    return checked.toString();
  }

  public static Version threshold(String name, long version, long validFrom, double value) {
    String body = "{\"kind_of_event\": \"low\", \"value\": %s}".formatted(value);
    return new Version("threshold", name, version, validFrom, true, false, body, null, null);
  }

  public static Version ended(Version version, long number, long validFrom) {
    return new Version(
        version.kind(), version.name(), number, validFrom, true, true, version.body(), null, null);
  }

  public static Version shadow(Version version) {
    return new Version(
        version.kind(),
        version.name(),
        version.version(),
        version.validFrom(),
        false,
        version.ended(),
        version.body(),
        version.checked(),
        version.placeholders());
  }

  private static String quoted(String text) {
    return text == null ? "null" : "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  private Checked() {}
}
