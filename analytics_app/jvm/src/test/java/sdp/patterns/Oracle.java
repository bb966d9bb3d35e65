package sdp.patterns;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The definition, spelled out over whole lists: it looks at all events of a key again for each of
 * them, and forgets nothing.
 */
final class Oracle {
  private final Rules rules;
  private final List<Result> results = new ArrayList<>();

  /** By key, what is not refused, and late events that change what follows. */
  private final Map<String, List<Arrival>> taken = new LinkedHashMap<>();

  private Oracle(Rules rules) {
    this.rules = rules;
  }

  static List<Result> expected(Rules rules, List<Arrival> arrivals) {
    Oracle oracle = new Oracle(rules);
    arrivals.forEach(oracle::take);
    for (List<Arrival> each : oracle.taken.values()) {
      List<Arrival> sequence = sequence(each);
      oracle.count(sequence);
      oracle.missing(sequence.stream().filter(a -> !a.isLate()).toList());
      oracle.anomalies(sequence.stream().filter(Arrival::isCounted).toList());
    }
    Collections.sort(oracle.results);
    return oracle.results;
  }

  private void take(Arrival a) {
    List<Arrival> before = taken.computeIfAbsent(a.key(), key -> new ArrayList<>());
    if (a.isLate() && a.time() < a.watermark() - rules.memory()) {
      refuse("late", a);
    } else if (before.stream().anyMatch(b -> isRepeated(a, b))) {
      boolean isOfLate = before.stream().filter(b -> isRepeated(a, b)).anyMatch(Arrival::isLate);
      refuse(a.isLate() && isOfLate ? "late" : "duplicate", a);
    } else if (a.isLate()) {
      refuse("late", a);
      if (a.kind() < Event.STEP) {
        before.add(a);
      }
    } else {
      before.add(a);
    }
  }

  private boolean isRepeated(Arrival a, Arrival b) {
    boolean isRemembered = a.watermark() == Run.NONE || b.time() >= a.watermark() - rules.memory();
    return isRemembered && a.id().equals(b.id()) && Math.abs(a.time() - b.time()) <= rules.memory();
  }

  private void refuse(String refusal, Arrival a) {
    results.add(Result.refused(refusal, a.key(), a.id(), a.time()));
  }

  /** In the order of time; a late event is where the watermark was when it came. */
  private static List<Arrival> sequence(List<Arrival> taken) {
    List<Arrival> sequence = new ArrayList<>(taken.stream().filter(a -> !a.isLate()).toList());
    Collections.sort(sequence);
    for (Arrival late : taken.stream().filter(Arrival::isLate).toList()) {
      int at = 0;
      while (at < sequence.size() && reached(sequence.get(at)) < late.watermark()
          || at < sequence.size()
              && sequence.get(at).isLate()
              && sequence.get(at).watermark() == late.watermark()) {
        at++;
      }
      sequence.add(at, late);
    }
    return sequence;
  }

  private static long reached(Arrival a) {
    return a.isLate() ? a.watermark() : a.time();
  }

  // --- the patterns -----------------------------------------------------------------------------

  private void count(List<Arrival> sequence) {
    Arrival level = null;
    long changedAt = 0;
    Long firedAt = null;
    for (int at = 0; at < sequence.size(); at++) {
      Arrival a = sequence.get(at);
      if (level != null && reached(a) - changedAt > rules.keep()) {
        level = null;
      }
      if (a.kind() == Event.LEVEL && (!a.isLate() || level == null || a.time() > level.time())) {
        changedAt = a.isLate() && level != null ? Math.max(changedAt, a.time()) : a.time();
        level = a;
      } else if (a.kind() == Event.AMOUNT && !a.isLate()) {
        changedAt = a.time();
      }
      if (level != null && a.isCounted()) {
        List<Arrival> window =
            sequence.subList(0, at + 1).stream()
                .filter(b -> b.isCounted() && b.time() >= a.time() - rules.window())
                .toList();
        double balance = balance(level, sequence.subList(0, at + 1));
        boolean isCooling = firedAt != null && a.time() < firedAt + rules.coolDown();
        if (window.size() >= rules.count() && balance < rules.below() && !isCooling) {
          firedAt = a.time();
          List<Arrival> last = window.subList(window.size() - rules.count(), window.size());
          found("count", a.time(), last, a, window.size(), balance, null);
        }
      }
    }
  }

  private static double balance(Arrival level, List<Arrival> until) {
    return level.value()
        - until.stream()
            .filter(b -> b.kind() == Event.AMOUNT && b.time() >= level.time())
            .mapToDouble(Arrival::value)
            .sum();
  }

  private void missing(List<Arrival> sorted) {
    for (int start = 0; start < sorted.size(); start++) {
      Arrival first = sorted.get(start);
      if (first.kind() == Event.STEP) {
        long end = first.time() + rules.timeout();
        List<Arrival> steps = new ArrayList<>(List.of(first));
        boolean isComplete = false;
        int next = start + 1;
        for (; next < sorted.size() && sorted.get(next).time() <= end && !isComplete; next++) {
          int step = sorted.get(next).kind() - Event.STEP;
          isComplete = step == rules.steps() - 1;
          if (!isComplete && step == steps.size()) {
            steps.add(sorted.get(next));
          }
        }
        if (!isComplete && steps.size() == rules.steps() - 1) {
          found("missing", end, steps, first, null, null, null);
        }
        start = next - 1;
      }
    }
  }

  private void anomalies(List<Arrival> amounts) {
    int from = 0;
    for (int at = 0; at < amounts.size(); at++) {
      Arrival a = amounts.get(at);
      if (at > 0 && a.time() - amounts.get(at - 1).time() > 10 * rules.halfLife()) {
        from = at;
      }
      if (at - from >= rules.minCount()) {
        double deviation = deviation(amounts.subList(from, at), a);
        if (Math.abs(deviation) >= rules.deviations()) {
          found("anomaly", a.time(), List.of(a), a, null, null, deviation);
        }
      }
    }
  }

  private double deviation(List<Arrival> before, Arrival a) {
    double weights = 0;
    double sum = 0;
    for (Arrival b : before) {
      weights += weight(a, b);
      sum += weight(a, b) * b.value();
    }
    double mean = sum / weights;
    double squares = 0;
    for (Arrival b : before) {
      squares += weight(a, b) * (b.value() - mean) * (b.value() - mean);
    }
    return (a.value() - mean) / Math.max(Math.sqrt(squares / weights), 0.05 * Math.abs(mean));
  }

  private double weight(Arrival a, Arrival b) {
    return Math.pow(2, -(double) (a.time() - b.time()) / rules.halfLife());
  }

  private void found(
      String kind,
      long time,
      List<Arrival> causes,
      Arrival named,
      Object count,
      Object balance,
      Double deviation) {
    List<String> ids = causes.stream().map(Arrival::id).toList();
    String carried =
        causes.stream()
            .map(Arrival::whose)
            .filter(whose -> whose != null && !whose.isEmpty())
            .reduce((former, latter) -> latter)
            .orElse(null);
    results.add(
        Result.found(kind, named.key(), time, named.id(), ids, count, balance, deviation, carried));
  }
}
