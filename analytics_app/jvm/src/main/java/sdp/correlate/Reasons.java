package sdp.correlate;

import java.io.Serializable;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import sdp.keyed.Durations;

/** Why a record is not counted, in words that its sender understands. */
final class Reasons implements Serializable {
  private static final long serialVersionUID = 1L;

  private final String[] violations;
  private final String key;
  private final long lateness;
  private final List<String> labels;
  private final String withoutFirst;
  private final String[] without;
  private final String[] duplicate;

  /**
   * @param labels what senders call a stage, where that is not the stage's own name
   * @param violations what a malformed record violates, by the reason in its header
   */
  Reasons(Layout layout, Map<String, String> labels, String[] violations) {
    this.violations = violations;
    this.labels = layout.stages().stream().map(stage -> labels.getOrDefault(stage, stage)).toList();
    key = layout.columns().get(layout.key());
    lateness = layout.lateness();
    String first = this.labels.get(0);
    String window = Durations.words(layout.window());
    withoutFirst = "no %s with this %s within %s".formatted(first, key, window);
    without = texts("no %s with this " + key + " within " + window + " of its " + first);
    duplicate = texts("this " + key + " already has its %s");
  }

  private String[] texts(String format) {
    return labels.stream().map(format::formatted).toArray(String[]::new);
  }

  String malformed(int reason) {
    return violations[reason];
  }

  /** The key has its record of that stage. */
  String duplicate(int stage) {
    return duplicate[stage];
  }

  /** A record of that stage and time waits already. */
  String repeated(int stage) {
    return "another %s with this %s and the same time is already waiting for its %s"
        .formatted(labels.get(stage), key, labels.get(0));
  }

  /** No more records of a key may wait. */
  String crowded() {
    return "too many records with this %s are waiting for its %s: they may take at most %d KiB"
        .formatted(key, labels.get(0), KeyState.MAX_WAITING_BYTES >> 10);
  }

  /** The first stage did not come. */
  String withoutFirst() {
    return withoutFirst;
  }

  /** The first stage came, and that later one did not. */
  String without(int stage) {
    return without[stage];
  }

  String withoutKey() {
    return "it has no " + key;
  }

  /**
   * @param reached the watermark
   * @param floor the time before which records are late
   */
  String late(long time, long reached, long floor) {
    String allowed = Durations.words(lateness);
    String limit =
        floor == reached - lateness
            ? "events older than AllowedLateness (%s) are not counted".formatted(allowed)
            : "events before %s are not counted, because AllowedLateness was shorter than %s until then"
                .formatted(Instant.ofEpochMilli(floor), allowed);
    return "occurred %s before the event time that the stream had reached (%s); %s"
        .formatted(Durations.rounded(reached - time), Instant.ofEpochMilli(reached), limit);
  }
}
