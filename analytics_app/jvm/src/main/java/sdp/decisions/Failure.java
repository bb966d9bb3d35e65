package sdp.decisions;

import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.ast.CelExpr;
import dev.cel.parser.CelUnparserFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Which part made an expression false: {@code event.balance < 200.0 (event.balance is 250.0)}. */
final class Failure {
  private static final int MAX_VALUE = 100;

  private final CelAbstractSyntaxTree tree;
  private final Map<Long, Object> values;
  private final String text;
  private final Map<Long, String> texts;

  /**
   * @param values of the parts that were evaluated
   * @param text the whole expression as it was written
   * @param texts of parts that were written before, which gets those that are written now
   */
  Failure(
      CelAbstractSyntaxTree tree, Map<Long, Object> values, String text, Map<Long, String> texts) {
    this.tree = tree;
    this.values = values;
    this.text = text;
    this.texts = texts;
  }

  String words() {
    List<CelExpr> parts = new ArrayList<>();
    add(tree.getExpr(), parts);
    return parts.stream().map(this::words).distinct().collect(Collectors.joining(" and "));
  }

  /** Of AND the first operand that is false, of OR all. */
  private void add(CelExpr part, List<CelExpr> parts) {
    String function = part.getKind() == CelExpr.ExprKind.Kind.CALL ? part.call().function() : "";
    switch (function) {
      case "_&&_" ->
          part.call().args().stream()
              .filter(this::isFalse)
              .findFirst()
              .ifPresentOrElse(operand -> add(operand, parts), () -> parts.add(part));
      case "_||_" -> part.call().args().forEach(operand -> add(operand, parts));
      case "_?_:_" -> {
        boolean isTrue = Boolean.TRUE.equals(values.get(part.call().args().get(0).id()));
        add(part.call().args().get(isTrue ? 1 : 2), parts);
      }
      default -> parts.add(part);
    }
  }

  private boolean isFalse(CelExpr part) {
    return Boolean.FALSE.equals(values.get(part.id()));
  }

  private String words(CelExpr part) {
    Map<String, Object> known = new LinkedHashMap<>();
    addValues(part, known);
    String written = text(part);
    if (known.isEmpty()) {
      return written;
    }
    return known.entrySet().stream()
        .map(entry -> entry.getKey() + " is " + shown(entry.getValue()))
        .collect(Collectors.joining(", ", written + " (", ")"));
  }

  /** The values of the fields that it names. */
  private void addValues(CelExpr part, Map<String, Object> known) {
    switch (part.getKind()) {
      case SELECT -> {
        if (!part.select().testOnly() && values.containsKey(part.id())) {
          known.put(text(part), values.get(part.id()));
        }
      }
      case CALL -> {
        part.call().target().ifPresent(target -> addValues(target, known));
        part.call().args().forEach(argument -> addValues(argument, known));
      }
      default -> {} // constants say what they are
    }
  }

  private String text(CelExpr part) {
    return texts.computeIfAbsent(part.id(), id -> write(part));
  }

  /** What cannot be written, as a macro without its source, is the whole text. */
  private String write(CelExpr part) {
    try {
      return CelUnparserFactory.newUnparser()
          .unparse(CelAbstractSyntaxTree.newParsedAst(part, tree.getSource()));
    } catch (RuntimeException e) {
      return text;
    }
  }

  private static String shown(Object value) {
    if (value instanceof String string) {
      String cut = string.length() > MAX_VALUE ? string.substring(0, MAX_VALUE) + "…" : string;
      return "\"" + cut + "\"";
    }
    return String.valueOf(value);
  }
}
