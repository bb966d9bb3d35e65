package sdp.functions;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import sdp.correlate.Outcome;

/**
 * The definition of the outcomes, spelled out over whole lists: nothing is decided before it must
 * be, and then by looking at all records that are still open. Slow, and without any state.
 */
public final class Oracle {

  /** A record as it arrives, and the watermark when it does. */
  public record Arrival(int id, String key, int stage, long time, long watermark) {}

  /**
   * What came out.
   *
   * @param id of the record; -1 for a closed key
   * @param first the id of the record of the key's first stage, of what matched; otherwise -1
   */
  public record Result(Outcome outcome, String key, int stage, int id, int first) {}

  private final long window;
  private final long lateness;
  private final List<Result> results = new ArrayList<>();
  private final Map<String, List<Arrival>> open = new LinkedHashMap<>();

  private Oracle(long window, long lateness) {
    this.window = window;
    this.lateness = lateness;
  }

  /** The outcomes of all arrivals, in no particular order. */
  public static List<Result> expected(long window, long lateness, List<Arrival> arrivals) {
    Oracle oracle = new Oracle(window, lateness);
    arrivals.forEach(oracle::arrive);
    oracle.expire(Long.MAX_VALUE);
    return oracle.results;
  }

  private void arrive(Arrival arrival) {
    expire(arrival.watermark());
    if (arrival.time() < arrival.watermark() - lateness) {
      add(Outcome.LATE, arrival, -1);
      return;
    }
    List<Arrival> group = open.computeIfAbsent(arrival.key(), k -> new ArrayList<>());
    if (arrival.stage() == 0 && first(group) != null) {
      add(Outcome.DUPLICATE, arrival, -1);
    } else {
      group.add(arrival);
    }
  }

  private void expire(long watermark) {
    for (List<Arrival> group : open.values()) {
      Arrival first = first(group);
      if (first != null && isOver(first, watermark)) {
        close(group, first);
      }
      for (Arrival each : List.copyOf(group)) {
        if (group.contains(each) && !isNear(each, first(group)) && isOver(each, watermark)) {
          unmatched(group, each);
        }
      }
    }
  }

  private boolean isOver(Arrival arrival, long watermark) {
    return watermark > arrival.time() + window + lateness;
  }

  private boolean isNear(Arrival arrival, Arrival first) {
    return first != null && Math.abs(arrival.time() - first.time()) <= window;
  }

  private static Arrival first(List<Arrival> group) {
    return group.stream().filter(a -> a.stage() == 0).findFirst().orElse(null);
  }

  /** Of the records near the first stage, the first of each stage until one is missing match. */
  private void close(List<Arrival> group, Arrival first) {
    List<Arrival> near = group.stream().filter(a -> isNear(a, first)).toList();
    group.removeAll(near);
    int complete = 0;
    while (holder(near, complete) != null) {
      complete++;
    }
    for (Arrival each : near) {
      if (holder(near, each.stage()) != each) {
        add(Outcome.DUPLICATE, each, -1);
      } else if (each.stage() < complete) {
        add(Outcome.MATCHED, each, first.id());
      } else {
        add(Outcome.UNMATCHED, each, -1);
      }
    }
    results.add(new Result(Outcome.CLOSED, first.key(), 0, -1, first.id()));
  }

  private static Arrival holder(List<Arrival> near, int stage) {
    return near.stream().filter(a -> a.stage() == stage).findFirst().orElse(null);
  }

  /** A record that nothing can match any more, and its repetitions. */
  private void unmatched(List<Arrival> group, Arrival record) {
    List<Arrival> same =
        group.stream()
            .filter(a -> a.stage() == record.stage() && a.time() == record.time())
            .toList();
    group.removeAll(same);
    same.forEach(a -> add(a == record ? Outcome.UNMATCHED : Outcome.DUPLICATE, a, -1));
  }

  private void add(Outcome outcome, Arrival arrival, int first) {
    results.add(new Result(outcome, arrival.key(), arrival.stage(), arrival.id(), first));
  }
}
