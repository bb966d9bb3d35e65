package sdp.decisions;

import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.CelOptions;
import dev.cel.common.CelProtoAbstractSyntaxTree;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.navigation.CelNavigableAst;
import dev.cel.common.navigation.CelNavigableExpr;
import dev.cel.expr.CheckedExpr;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.CelRuntimeFactory;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A CEL expression over the variables {@code event}, {@code profile} and {@code features}, which
 * are maps. Runs the type-checked form that was stored when the expression was written, so there is
 * one parser and one checker.
 *
 * <p>What it may cost is bounded: by the API, and here by how many elements macros visit.
 */
final class Expression {
  private static final CelOptions OPTIONS =
      CelOptions.current()
          .enableHeterogeneousNumericComparisons(true)
          .comprehensionMaxIterations(1_000)
          .build();

  private static final CelRuntime RUNTIME =
      CelRuntimeFactory.standardCelRuntimeBuilder().setOptions(OPTIONS).build();

  /** It cannot be read, or its evaluation failed. */
  static final class FailedException extends Exception {
    private static final long serialVersionUID = 1L;

    FailedException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  private final CelAbstractSyntaxTree tree;
  private final CelRuntime.Program program;
  private final String text;
  private final Set<String> features;

  /** Of its parts, by their numbers: to write one costs as much as to evaluate all. */
  private final Map<Long, String> texts = new HashMap<>();

  private Expression(CelAbstractSyntaxTree tree, String text) throws FailedException {
    this.tree = tree;
    this.text = text;
    features = named(tree);
    try {
      program = RUNTIME.createProgram(tree);
    } catch (CelEvaluationException e) {
      throw new FailedException(e.getMessage(), e);
    }
  }

  /**
   * @param checked the checked expression, as base64
   * @param text how it was written, for people
   */
  static Expression ofChecked(String checked, String text) throws FailedException {
    if (checked == null) {
      throw new FailedException("it has no checked form", null);
    }
    try {
      CheckedExpr expression = CheckedExpr.parseFrom(Base64.getDecoder().decode(checked));
      return new Expression(CelProtoAbstractSyntaxTree.fromCheckedExpr(expression).getAst(), text);
    } catch (IllegalArgumentException | com.google.protobuf.InvalidProtocolBufferException e) {
      throw new FailedException("the checked form cannot be read: " + e.getMessage(), e);
    }
  }

  /** The fields of {@code features} that it names, in order. */
  private static Set<String> named(CelAbstractSyntaxTree tree) {
    return CelNavigableAst.fromAst(tree)
        .getRoot()
        .allNodes()
        .map(CelNavigableExpr::expr)
        .filter(part -> part.getKind() == CelExpr.ExprKind.Kind.SELECT)
        .map(CelExpr::select)
        .filter(select -> select.operand().identOrDefault().name().equals("features"))
        .map(CelExpr.CelSelect::field)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The names of the features that it uses. */
  Set<String> features() {
    return features;
  }

  /** Returns a Boolean, Long, Double, String or another value of CEL. */
  Object evaluate(Map<String, ?> variables) throws FailedException {
    try {
      return program.eval(name -> find(variables, name));
    } catch (CelEvaluationException e) {
      throw new FailedException(e.getMessage(), e);
    } catch (RuntimeException e) { // a value of a type that the expression was not checked for
      throw new FailedException(String.valueOf(e.getMessage()), e);
    }
  }

  /** A variable, or a field of it by its qualified name. */
  private static Optional<Object> find(Map<String, ?> variables, String name) {
    Object value = variables.get(name);
    int dot = name.indexOf('.');
    if (value == null && dot > 0 && variables.get(name.substring(0, dot)) instanceof Map<?, ?> of) {
      value = of.get(name.substring(dot + 1));
    }
    return Optional.ofNullable(value);
  }

  /** The comparison that made it false, with its values. */
  String whyFalse(Map<String, ?> variables) {
    Map<Long, Object> values = new HashMap<>();
    try {
      program.trace(
          name -> find(variables, name),
          (CelExpr part, Object value) -> values.put(part.id(), value));
    } catch (CelEvaluationException | RuntimeException e) {
      return text;
    }
    return new Failure(tree, values, text, texts).words();
  }
}
