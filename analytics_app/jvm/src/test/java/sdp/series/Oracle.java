package sdp.series;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** The definition of the join, spelled out over whole lists: no state, no order of evaluation. */
final class Oracle {
  private static final Comparator<Arrival> LEAST =
      Comparator.comparingDouble(Arrival::value).thenComparing(Arrival::id);

  private record Series(String key, int side) {}

  private record Identity(String key, int side, long time) {}

  private final List<String> refused = new ArrayList<>();
  private final Map<Identity, Arrival> standing = new HashMap<>();

  private Oracle(SeriesJoin.Limits limits, List<Arrival> arrivals) {
    Map<Series, Long> newest = new HashMap<>();
    for (Arrival each : arrivals) {
      Series series = new Series(each.key(), each.side());
      long own = newest.getOrDefault(series, Run.NONE);
      long stream = each.watermark();
      if (own != Run.NONE && each.time() < own - limits.delay(each.side())
          || stream != Run.NONE && each.time() < stream - limits.finalAfter()) {
        refused.add(refused("late", each));
      } else {
        newest.put(series, Math.max(own, each.time()));
        take(each);
      }
    }
  }

  private void take(Arrival sample) {
    Arrival other = standing.putIfAbsent(identity(sample), sample);
    if (other != null) {
      boolean isLess = LEAST.compare(sample, other) < 0;
      standing.put(identity(sample), isLess ? sample : other);
      refused.add(refused("duplicate", isLess ? other : sample));
    }
  }

  private static Identity identity(Arrival sample) {
    return new Identity(sample.key(), sample.side(), sample.time());
  }

  static String refused(String outcome, Arrival each) {
    return "%s %s %s at %d of %s"
        .formatted(outcome, each.key(), each.id(), each.time(), each.value());
  }

  static String pair(String status, String key, Pair pair) {
    return "%s %s r%d %s s%d %s"
        .formatted(status, key, pair.rTime(), pair.r(), pair.sTime(), pair.s());
  }

  static String lasted(String key, Pair pair, long lasting) {
    return pair("lasted", key, pair) + " " + lasting;
  }

  /** All final pairs, how long they lasted, and all that is refused, sorted. */
  static List<String> expected(SeriesJoin.Limits limits, List<Arrival> arrivals) {
    Oracle oracle = new Oracle(limits, arrivals);
    List<String> all = new ArrayList<>(oracle.refused);
    all.addAll(oracle.pairs("final", limits.distance(), Long.MAX_VALUE));
    all.addAll(oracle.durations(limits.distance()));
    return all.stream().sorted().toList();
  }

  /** The pairs of the samples that are known, up to a time. */
  static List<String> known(SeriesJoin.Limits limits, List<Arrival> arrivals, long before) {
    return new Oracle(limits, arrivals).pairs("", limits.distance(), before);
  }

  private Map<String, List<TreeMap<Long, Double>>> series(long before) {
    Map<String, List<TreeMap<Long, Double>>> keys = new HashMap<>();
    for (Arrival each : standing.values()) {
      if (each.time() < before) {
        keys.computeIfAbsent(each.key(), k -> List.of(new TreeMap<>(), new TreeMap<>()))
            .get(each.side())
            .put(each.time(), each.value());
      }
    }
    return keys;
  }

  /** At each millisecond, which are the newest samples? */
  private List<String> durations(long distance) {
    List<String> found = new ArrayList<>();
    series(Long.MAX_VALUE)
        .forEach(
            (key, series) -> {
              TreeMap<Long, Double> r = series.get(Side.R);
              TreeMap<Long, Double> s = series.get(Side.S);
              Map<Pair, Long> lasting = new HashMap<>();
              TreeSet<Long> times = new TreeSet<>(r.keySet());
              times.addAll(s.keySet());
              for (long now = times.first(); now < times.last() + distance; now++) {
                var newestR = r.floorEntry(now);
                var newestS = s.floorEntry(now);
                if (newestR != null
                    && newestS != null
                    && Math.abs(newestR.getKey() - newestS.getKey()) <= distance
                    && now - times.floor(now) < distance) {
                  lasting.merge(
                      new Pair(
                          newestR.getKey(),
                          newestR.getValue(),
                          newestS.getKey(),
                          newestS.getValue()),
                      1L,
                      Long::sum);
                }
              }
              lasting.forEach((pair, millis) -> found.add(lasted(key, pair, millis)));
            });
    return found;
  }

  private List<String> pairs(String status, long distance, long before) {
    List<String> found = new ArrayList<>();
    series(before)
        .forEach(
            (key, series) -> {
              TreeMap<Long, Double> r = series.get(Side.R);
              TreeMap<Long, Double> s = series.get(Side.S);
              for (long rTime : r.keySet()) {
                for (long sTime : s.keySet()) {
                  if (isPair(r, rTime, s, sTime) && Math.abs(rTime - sTime) <= distance) {
                    Pair pair = new Pair(rTime, r.get(rTime), sTime, s.get(sTime));
                    found.add(pair(status, key, pair));
                  }
                }
              }
            });
    return found.stream().sorted().toList();
  }

  /** Whether one is the previous or the next of the other. */
  private static boolean isPair(
      TreeMap<Long, Double> r, long rTime, TreeMap<Long, Double> s, long sTime) {
    return is(s.floorKey(rTime), sTime)
        || is(s.ceilingKey(rTime), sTime)
        || is(r.floorKey(sTime), rTime)
        || is(r.ceilingKey(sTime), rTime);
  }

  private static boolean is(Long found, long time) {
    return found != null && found == time;
  }
}
