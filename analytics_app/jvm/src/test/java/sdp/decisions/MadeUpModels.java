package sdp.decisions;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.util.List;
import sdp.definitions.Version;
import sdp.scores.Artifact;
import sdp.scores.InvalidModelException;
import sdp.scores.Model;
import sdp.scores.ModelStore;
import sdp.scores.Models;

/**
 * Models of the tests: the file of model {@code mN} is the text N, and its score is N hundredths
 * and a tenth for each unit of the event's value, at most 1. Some are missing, some are other files
 * than those that were promoted, of some the file is no model.
 */
final class MadeUpModels implements ModelStore {
  /** What is wrong with a model. */
  enum Flaw {
    NONE,
    MISSING,
    OTHER_FILE,
    NO_MODEL
  }

  static Models models() {
    return new Models(MadeUpModels::new, MadeUpModels::read, Duration.ofMinutes(1));
  }

  /** A version of the definition {@code m}. */
  static Version version(long version, long validFrom, Flaw flaw) {
    String uri = (flaw == Flaw.NONE ? "" : flaw + ":") + version;
    String file = flaw == Flaw.OTHER_FILE ? "what was promoted" : content(uri);
    String body =
        "{\"model_version\": \"m%d\", \"uri\": \"%s\", \"fingerprint\": \"%s\"}"
            .formatted(version, uri, Artifact.fingerprint(file.getBytes(UTF_8)));
    return new Version("model", "m", version, validFrom, true, false, body, null, null);
  }

  /** The score that a model without a flaw gives. */
  static double score(long version, double value) {
    return Math.min(1, version % 100 / 100.0 + value / 10);
  }

  private static String content(String uri) {
    return uri.startsWith("NO_MODEL") ? "no model" : uri;
  }

  @Override
  public byte[] read(String uri) throws InvalidModelException {
    if (uri.startsWith("MISSING")) {
      throw new InvalidModelException("there is no " + uri, null);
    }
    return content(uri).getBytes(UTF_8);
  }

  private static Model read(byte[] bytes) throws InvalidModelException {
    try {
      return new Made(Long.parseLong(new String(bytes, UTF_8)));
    } catch (NumberFormatException e) {
      throw new InvalidModelException("it is no number", e);
    }
  }

  private record Made(long version) implements Model {
    @Override
    public List<Input> inputs() {
      return List.of(new Input("action", true), new Input("value", false));
    }

    @Override
    public double[] scores(List<Object[]> rows) {
      return rows.stream().mapToDouble(row -> score(version, (double) row[1])).toArray();
    }

    @Override
    public void close() {}
  }

  @Override
  public void close() {}
}
