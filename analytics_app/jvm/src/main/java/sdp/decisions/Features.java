package sdp.decisions;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import sdp.decisions.Expression.FailedException;

/**
 * The features of one business event: values that expressions use by their names. Each is computed
 * at most once, by its version in force at the event's time, from the event and its profile.
 *
 * <p>One without a result is absent, as a field without a value is: {@code has()} is false, and an
 * expression that needs it fails with a message that names it.
 */
final class Features {
  private static final String FEATURES = "features";

  private final Definitions definitions;
  private final String kind;
  private final long time;
  private final Map<String, Object> variables;
  private final Map<String, Feature> known = new HashMap<>();

  /**
   * A feature of the event.
   *
   * @param version the one in force; null if there is none
   * @param value null if it has no result
   * @param mistake why; null if it has one
   */
  private record Feature(Long version, Object value, String mistake) {}

  /**
   * @param variables {@code event} and {@code profile}
   */
  Features(Definitions definitions, String kind, long time, Map<String, Object> variables) {
    this.definitions = definitions;
    this.kind = kind;
    this.time = time;
    this.variables = variables;
  }

  /** The result of an expression that may name features. */
  Object evaluate(Expression expression) throws FailedException {
    try {
      return expression.evaluate(over(expression));
    } catch (FailedException e) {
      throw expression.features().isEmpty() ? e : explained(e, expression.features());
    }
  }

  /** The comparison that made it false, with its values. */
  String whyFalse(Expression expression) {
    return expression.whyFalse(over(expression));
  }

  /** The versions of features that are in force, by their names. */
  Map<String, Long> versions(Collection<String> names) {
    Map<String, Long> versions = new TreeMap<>();
    for (String name : names) {
      Feature feature = of(name);
      if (feature.version != null) {
        versions.put(name, feature.version);
      }
    }
    return versions;
  }

  private Map<String, Object> over(Expression expression) {
    if (expression.features().isEmpty()) {
      return variables;
    }
    Map<String, Object> values = new HashMap<>();
    for (String name : expression.features()) {
      Object value = of(name).value;
      if (value != null) {
        values.put(name, value);
      }
    }
    Map<String, Object> all = new HashMap<>(variables);
    all.put(FEATURES, values);
    return all;
  }

  private FailedException explained(FailedException failure, Collection<String> names) {
    StringBuilder message = new StringBuilder(failure.getMessage());
    for (String name : names) {
      String mistake = of(name).mistake;
      if (mistake != null) {
        message.append("; the feature ").append(name).append(' ').append(mistake);
      }
    }
    return new FailedException(message.toString(), failure);
  }

  private Feature of(String name) {
    return known.computeIfAbsent(name, this::computed);
  }

  private Feature computed(String name) {
    Definition definition = definitions.inForce(Definition.FEATURE, name, time);
    if (definition == null) {
      return new Feature(null, null, "is not in force");
    }
    long version = definition.version().version();
    if (definition instanceof Definition.Wrong wrong) {
      return new Feature(version, null, "cannot be read: " + wrong.mistake());
    }
    Definition.Feature feature = (Definition.Feature) definition;
    if (!feature.kindOfEvent().equals(kind)) {
      return new Feature(version, null, "is for business events '" + feature.kindOfEvent() + "'");
    }
    try {
      return new Feature(version, value(feature.expression().evaluate(variables)), null);
    } catch (FailedException e) {
      return new Feature(version, null, "has no result: " + e.getMessage());
    }
  }

  /**
   * What a feature may be. Infinity and NaN are not: nobody means them, and the runtimes disagree
   * on whether a value that is NaN equals itself.
   */
  static Object value(Object result) throws FailedException {
    if (result instanceof Double number && !Double.isFinite(number)) {
      throw new FailedException("it is not a finite number", null);
    }
    if (result instanceof Double
        || result instanceof Long
        || result instanceof String
        || result instanceof Boolean) {
      return result;
    }
    throw new FailedException("it is none of number, text and boolean, but " + result, null);
  }
}
