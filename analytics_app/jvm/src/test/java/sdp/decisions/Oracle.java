package sdp.decisions;

import java.util.List;
import java.util.TreeMap;
import sdp.decisions.History.Arrival;
import sdp.definitions.Version;

/**
 * The definition of a decision, spelled out over whole lists. Rules are {@code event.value < n},
 * {@code profile.age < n} or both; their number is the least value at which they are false.
 */
final class Oracle {

  /** A rule of the tests, without CEL. */
  record Rule(boolean ofEvent, boolean ofProfile, long below) {
    String expression() {
      String event = ofEvent ? "event.value < %d.0".formatted(below) : "true";
      return ofProfile ? event + " && profile.age < " + below : event;
    }

    static Rule of(Version version) {
      String text = version.body();
      long below = Long.parseLong(text.replaceAll("(?s).*< (\\d+).*", "$1"));
      return new Rule(text.contains("event.value"), text.contains("profile.age"), below);
    }

    /** True, false or error; AND is false if one side is, whatever the other. */
    String result(Arrival event, Arrival profile) {
      if (ofEvent && event.value() >= below) {
        return "false";
      }
      if (!ofProfile) {
        return "true";
      }
      return profile == null ? "error" : profile.value() < below ? "true" : "false";
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
      String result = Rule.of(version).result(event, profile);
      rules.append(" %s%d=%s".formatted(name, version.version(), result));
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
