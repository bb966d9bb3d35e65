package sdp.decisions;

import java.util.List;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sdp.definitions.Version;
import sdp.scores.Artifact;
import sdp.scores.Model;
import sdp.scores.Models;

/**
 * Scores by the model that is in force at the event's time, a definition of kind {@code model}. A
 * model that is missing, corrupt or fails stops nothing: the default score applies, counted and,
 * once a minute, logged.
 *
 * <p>The model's inputs are fields of the event or else of the profile, by their names, and {@code
 * action}.
 */
final class ModelScores implements Scores {
  private static final Logger LOG = LoggerFactory.getLogger(ModelScores.class);
  private static final long LOG_NANOS = 60_000_000_000L;
  private static final String ACTION = "action";
  private static final String NONE = "there is no model: the default score applies";

  private final Definitions definitions;
  private final Models models;
  private final double byDefault;
  private final Counter scored;
  private final Counter unscored;
  private long loggedAt;
  private boolean isLogged;

  /**
   * @param byDefault the score of every action while there is no model
   * @param scored counts the scores of models
   * @param unscored counts the default scores that apply although a model is in force
   */
  ModelScores(
      Definitions definitions, Models models, double byDefault, Counter scored, Counter unscored) {
    this.definitions = definitions;
    this.models = models;
    this.byDefault = byDefault;
    this.scored = scored;
    this.unscored = unscored;
  }

  /** Begins to load a model that will be in force. */
  void prepare(Version version) {
    if (Definition.of(version) instanceof Definition.Model model) {
      models.prepare(model.artifact());
    }
  }

  @Override
  public Score of(Map<String, ?> variables, String action, long time) {
    Definition definition = inForce(time);
    if (definition == null) {
      return new Score(byDefault, null, NONE);
    }
    if (definition instanceof Definition.Wrong wrong) {
      return none(wrong.version().name(), wrong.mistake());
    }
    Artifact artifact = ((Definition.Model) definition).artifact();
    Models.Loaded loaded = models.of(artifact);
    if (loaded.model() == null) {
      return none(artifact.version(), loaded.failure());
    }
    return score(artifact.version(), loaded.model(), variables, action);
  }

  private Definition inForce(long time) {
    return definitions.inForce(Definition.MODEL, time).stream()
        .filter(each -> each.version().live())
        .findFirst()
        .orElse(null);
  }

  private Score score(String version, Model model, Map<String, ?> variables, String action) {
    Object[] row =
        model.inputs().stream().map(input -> value(input.name(), variables, action)).toArray();
    try {
      double score = model.scores(List.<Object[]>of(row))[0];
      if (Double.isNaN(score)) {
        return none(version, "a number that it needs is missing or negative");
      }
      scored.inc();
      return new Score(score, version, null);
    } catch (IllegalStateException e) {
      return none(version, e.getMessage());
    }
  }

  private static Object value(String name, Map<String, ?> variables, String action) {
    if (name.equals(ACTION)) {
      return action;
    }
    Object ofEvent = ((Map<?, ?>) variables.get("event")).get(name);
    return ofEvent != null ? ofEvent : ((Map<?, ?>) variables.get("profile")).get(name);
  }

  private Score none(String version, String why) {
    unscored.inc();
    long now = System.nanoTime();
    if (!isLogged || now - loggedAt > LOG_NANOS) {
      LOG.warn("The model {} gives no score, the default applies: {}", version, why);
      isLogged = true;
      loggedAt = now;
    }
    return new Score(
        byDefault, null, "the model %s gives no score: the default applies".formatted(version));
  }

  /** Closes the models. */
  void close() {
    models.close();
  }
}
