package sdp.decisions;

import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sdp.definitions.Version;
import sdp.kinesis.stream.OncePerMinute;
import sdp.scores.Artifact;
import sdp.scores.Model;
import sdp.scores.Models;

/**
 * Scores by the model that is in force at the event's time, a definition of kind {@code model}. A
 * model that is missing, corrupt or fails stops nothing: the default score applies, counted and,
 * once a minute, logged.
 *
 * <p>Candidates of one model are scored at once. The model's inputs are fields of the event or else
 * of the profile, by their names, and {@code action}.
 */
final class ModelScores implements Scores {
  private static final Logger LOG = LoggerFactory.getLogger(ModelScores.class);
  private static final String ACTION = "action";
  private static final String NONE = "there is no model: the default score applies";

  private final Definitions definitions;
  private final Models models;
  private final double byDefault;
  private final Counter scored;
  private final Counter unscored;
  private final OncePerMinute trouble = new OncePerMinute(Clock.systemUTC());

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
  public List<Score> of(List<Candidate> candidates) {
    Map<Definition, List<Integer>> byModel = new LinkedHashMap<>();
    for (int at = 0; at < candidates.size(); at++) {
      Definition definition = inForce(candidates.get(at).time());
      byModel.computeIfAbsent(definition, none -> new ArrayList<>()).add(at);
    }
    Score[] scores = new Score[candidates.size()];
    byModel.forEach(
        (definition, places) -> {
          List<Score> found = of(definition, places.stream().map(candidates::get).toList());
          for (int at = 0; at < found.size(); at++) {
            scores[places.get(at)] = found.get(at);
          }
        });
    return Arrays.asList(scores);
  }

  /** Of candidates for which one model, or none (null), is in force. */
  private List<Score> of(Definition definition, List<Candidate> candidates) {
    if (definition == null) {
      return Collections.nCopies(candidates.size(), new Score(byDefault, null, NONE));
    }
    if (definition instanceof Definition.Wrong wrong) {
      return none(wrong.version().name(), wrong.mistake(), candidates.size());
    }
    Artifact artifact = ((Definition.Model) definition).artifact();
    Models.Loaded loaded = models.of(artifact);
    if (loaded.model() == null) {
      return none(artifact.version(), loaded.failure(), candidates.size());
    }
    return of(artifact.version(), loaded.model(), candidates);
  }

  private Definition inForce(long time) {
    return definitions.inForce(Definition.MODEL, time).stream()
        .filter(each -> each.version().live())
        .findFirst()
        .orElse(null);
  }

  private List<Score> of(String version, Model model, List<Candidate> candidates) {
    List<Object[]> rows = candidates.stream().map(candidate -> row(model, candidate)).toList();
    double[] values = model.scoresOfEach(rows, why -> warn(version, why));
    List<Score> scores = new ArrayList<>(values.length);
    for (double value : values) {
      if (Double.isNaN(value)) {
        scores.addAll(none(version, "a number that it needs is missing or negative", 1));
      } else {
        scored.inc();
        scores.add(new Score(value, version, null));
      }
    }
    return scores;
  }

  private static Object[] row(Model model, Candidate candidate) {
    return model.inputs().stream().map(input -> value(input.name(), candidate)).toArray();
  }

  private static Object value(String name, Candidate candidate) {
    if (name.equals(ACTION)) {
      return candidate.action();
    }
    Object ofEvent = ((Map<?, ?>) candidate.variables().get("event")).get(name);
    return ofEvent != null ? ofEvent : ((Map<?, ?>) candidate.variables().get("profile")).get(name);
  }

  private List<Score> none(String version, String why, int count) {
    unscored.inc(count);
    warn(version, why);
    String remark = "the model %s gives no score: the default applies".formatted(version);
    return Collections.nCopies(count, new Score(byDefault, null, remark));
  }

  private void warn(String version, String why) {
    trouble.report(
        times -> LOG.warn("The model {} gives no score, the default applies: {}", version, why));
  }

  /** Closes the models. */
  void close() {
    models.close();
  }
}
