package sdp.decisions;

import java.util.List;
import java.util.TreeMap;
import sdp.decisions.History.Arrival;
import sdp.definitions.Version;

/**
 * The definition of a decision, spelled out over whole lists. Rules are {@code event.value < n},
 * {@code profile.age < n}, {@code features.f < n} or several of them; their number is the least
 * value at which they are false.
 */
final class Oracle {

  /** A rule of the tests, without CEL. */
  record Rule(boolean ofEvent, boolean ofProfile, boolean ofFeature, long below) {
    String expression() {
      String feature = ofFeature ? "features.f < %d.0 && ".formatted(below) : "";
      String event = feature + (ofEvent ? "event.value < %d.0".formatted(below) : "true");
      return ofProfile ? event + " && profile.age < " + below : event;
    }

    static Rule of(Version version) {
      String text = version.body();
      long below = Long.parseLong(text.replaceAll("(?s).*< (\\d+).*", "$1"));
      return new Rule(
          text.contains("event.value"),
          text.contains("profile.age"),
          text.contains("features.f"),
          below);
    }

    /**
     * True, false or error; AND is false if one side is, whatever the others.
     *
     * @param feature null if it has no result
     */
    String result(Arrival event, Arrival profile, Long feature) {
      boolean isFalse = ofEvent && event.value() >= below;
      isFalse |= ofProfile && profile != null && profile.value() >= below;
      isFalse |= ofFeature && feature != null && feature >= below;
      boolean isMissing = ofProfile && profile == null || ofFeature && feature == null;
      return isFalse ? "false" : isMissing ? "error" : "true";
    }
  }

  private final List<Version> versions;
  private final List<Arrival> arrivals;

  Oracle(List<Version> versions, List<Arrival> arrivals) {
    this.versions = versions;
    this.arrivals = arrivals;
  }

  /** The decision about an event, as the tests write it. */
  String decision(Arrival event) {
    Arrival profile = profile(event);
    StringBuilder rules = new StringBuilder();
    Version best = null;
    TreeMap<String, Version> named = new TreeMap<>();
    versions.stream().filter(v -> v.kind().equals("rule")).forEach(v -> named.put(v.name(), v));
    for (String name : named.keySet()) {
      Version version = inForce("rule", name, event.time());
      if (version == null) {
        continue;
      }
      Rule rule = Rule.of(version);
      Version feature = rule.ofFeature() ? inForce("feature", "f", event.time()) : null;
      String result = rule.result(event, profile, value(feature, event, profile));
      String of = feature == null ? "" : "f" + feature.version();
      rules.append(" %s%d%s=%s".formatted(name, version.version(), of, result));
      boolean passes = result.equals("true") && version.live();
      if (passes && (best == null || priority(version) > priority(best))) {
        best = version;
      }
    }
    String action = best == null ? "-" : action(best, event, profile);
    String of = profile == null ? "-" : profile.id();
    Version model = best == null ? null : model(event.time());
    String scored = model == null ? "" : " m%d %s".formatted(model.version(), score(event));
    return "%s %s%s -> %s%s".formatted(event.id(), of, rules, action, scored);
  }

  /** Of a feature, {@code event.value} or the age of the profile, and a digit more; or null. */
  private static Long value(Version feature, Arrival event, Arrival profile) {
    if (feature == null) {
      return null;
    }
    Arrival of = feature.body().contains("profile.age") ? profile : event;
    long more = Long.parseLong(feature.body().replaceAll(".*\\+ (\\d).*", "$1"));
    return of == null ? null : (Long) (of.value() + more);
  }

  private String action(Version rule, Arrival event, Arrival profile) {
    Version template = inForce("template", "t", event.time());
    Version threshold = inForce("threshold", "least", event.time());
    if (threshold != null && score(event) < (threshold.body().contains("0.9") ? 0.9 : 0.5)) {
      return "passed";
    }
    return template == null || profile == null
        ? "passed"
        : "%s%d/%d".formatted(rule.name(), rule.version(), template.version());
  }

  /** The default where no model is in force, or one that cannot be used. */
  private double score(Arrival event) {
    Version model = model(event.time());
    return model == null ? 0.5 : MadeUpModels.score(model.version(), event.value());
  }

  /** The model that can be used at a time, or null. */
  private Version model(long time) {
    Version model = inForce("model", "m", time);
    boolean isUsable =
        model != null && model.body().contains("\"uri\": \"%d\"".formatted(model.version()));
    return isUsable ? model : null;
  }

  private static long priority(Version rule) {
    return Long.parseLong(rule.body().replaceAll("(?s).*\"priority\": (\\d+).*", "$1"));
  }

  private Version inForce(String kind, String name, long time) {
    Version found = null;
    for (Version version : versions) {
      boolean isIt = version.kind().equals(kind) && version.name().equals(name);
      if (isIt
          && version.validFrom() <= time
          && (found == null
              || version.validFrom() > found.validFrom()
              || version.validFrom() == found.validFrom() && version.version() > found.version())) {
        found = version;
      }
    }
    return found == null || found.ended() ? null : found;
  }

  private Arrival profile(Arrival event) {
    Arrival found = null;
    for (Arrival each : arrivals) {
      boolean isKnown =
          each.profile() && each.key().equals(event.key()) && each.time() <= event.time();
      if (isKnown
          && (found == null
              || each.time() > found.time()
              || each.time() == found.time() && each.id().compareTo(found.id()) > 0)) {
        found = each;
      }
    }
    return found;
  }
}
