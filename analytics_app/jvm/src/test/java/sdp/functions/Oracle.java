package sdp.functions;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import sdp.functions.Arrivals.Arrival;
import sdp.functions.Arrivals.Result;

/** The definition of the outcomes, spelled out over whole lists; slow, and without any timer. */
final class Oracle {

  static List<Result> expected(Correlation rules, List<Arrival> arrivals) {
    List<Result> results = new ArrayList<>();
    Map<String, List<Arrival>> open = new LinkedHashMap<>();
    for (Arrival arrival : arrivals) {
      open.entrySet()
          .removeIf(
              e ->
                  isClosed(rules, e.getValue(), arrival.watermark())
                      && results.addAll(close(rules, e.getValue())));
      if (arrival.time() < arrival.watermark() - rules.lateness()) {
        results.add(result(Outcome.LATE, arrival));
      } else {
        List<Arrival> group = open.computeIfAbsent(arrival.key(), k -> new ArrayList<>());
        if (group.stream().anyMatch(a -> a.stage() == arrival.stage())) {
          results.add(result(Outcome.DUPLICATE, arrival));
        } else {
          group.add(arrival);
        }
      }
    }
    open.values().forEach(group -> results.addAll(close(rules, group)));
    return results;
  }

  private static boolean isClosed(Correlation rules, List<Arrival> group, long watermark) {
    Arrival first = at(group, 0);
    long anchor =
        first != null
            ? first.time()
            : group.stream().mapToLong(Arrival::time).min().orElse(Long.MAX_VALUE);
    return watermark > anchor + rules.window() + rules.lateness();
  }

  private static List<Result> close(Correlation rules, List<Arrival> group) {
    List<Result> results = new ArrayList<>();
    for (Arrival arrival : group) {
      boolean matched = isMatched(rules, group, arrival.stage());
      results.add(result(matched ? Outcome.MATCHED : Outcome.UNMATCHED, arrival));
    }
    Arrival first = at(group, 0);
    if (first != null) {
      results.add(new Result(Outcome.CLOSED, first.key(), 0, -1));
    }
    return results;
  }

  private static boolean isMatched(Correlation rules, List<Arrival> group, int stage) {
    Arrival first = at(group, 0);
    for (int earlier = 0; earlier <= stage; earlier++) {
      Arrival arrival = at(group, earlier);
      if (first == null
          || arrival == null
          || Math.abs(arrival.time() - first.time()) > rules.window()) {
        return false;
      }
    }
    return true;
  }

  private static Arrival at(List<Arrival> group, int stage) {
    return group.stream().filter(a -> a.stage() == stage).findFirst().orElse(null);
  }

  private static Result result(Outcome outcome, Arrival arrival) {
    return new Result(outcome, arrival.key(), arrival.stage(), arrival.id());
  }

  private Oracle() {}
}
