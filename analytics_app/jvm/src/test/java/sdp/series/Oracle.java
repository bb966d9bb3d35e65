package sdp.series;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The definition of the joins, spelled out over whole lists: no state, no order of evaluation. Of a
 * version only the samples of its own time are looked at.
 */
final class Oracle {
  private static final Comparator<Arrival> LEAST =
      Comparator.comparingDouble(Arrival::value).thenComparing(Arrival::id);

  /**
   * A version of a join.
   *
   * @param r the number of its series, as {@code s}
   * @param until the first moment that is no longer its
   */
  record Valid(String join, long version, long from, long until, int r, int s, long distance) {
    static Valid always(long distance) {
      return new Valid(Run.JOIN, 0, Long.MIN_VALUE, Long.MAX_VALUE, Side.R, Side.S, distance);
    }

    boolean takes(Arrival sample) {
      return (sample.side() == r || sample.side() == s)
          && from <= sample.time()
          && sample.time() < until;
    }

    String named(String key) {
      return Oracle.named(join, version, key);
    }
  }

  private record Series(String key, int side) {}

  private record Identity(String key, int side, long time) {}

  private final List<String> refused = new ArrayList<>();
  private final Map<Identity, Arrival> standing = new HashMap<>();

  private Oracle(SeriesJoin.Limits limits, List<Valid> versions, List<Arrival> arrivals) {
    Map<Series, Long> newest = new HashMap<>();
    for (Arrival each : arrivals) {
      Series series = new Series(each.key(), each.side());
      long own = newest.getOrDefault(series, Run.NONE);
      long stream = each.watermark();
      boolean isLate =
          own != Run.NONE && each.time() < own - limits.delay(each.side() % 2)
              || stream != Run.NONE && each.time() < stream - limits.finalAfter();
      newest.put(series, isLate ? own : Math.max(own, each.time()));
      if (versions.stream().noneMatch(version -> version.takes(each))) {
        refused.add(refused("left", each));
      } else if (isLate) {
        refused.add(refused("late", each));
      } else {
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

  /** The key of a pair, with its version where there are others. */
  static String named(String join, long version, String key) {
    return version == 0 ? key : "%s-%d/%s".formatted(join, version, key);
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
    return expected(limits, List.of(Valid.always(limits.distance())), arrivals);
  }

  static List<String> expected(
      SeriesJoin.Limits limits, List<Valid> versions, List<Arrival> arrivals) {
    Oracle oracle = new Oracle(limits, versions, arrivals);
    List<String> all = new ArrayList<>(oracle.refused);
    for (Valid version : versions) {
      all.addAll(oracle.pairs("final", version, Long.MAX_VALUE));
      all.addAll(oracle.durations(version));
    }
    return all.stream().sorted().toList();
  }

  /** The pairs of the samples that are known, up to a time. */
  static List<String> known(SeriesJoin.Limits limits, List<Arrival> arrivals, long before) {
    Valid always = Valid.always(limits.distance());
    return new Oracle(limits, List.of(always), arrivals).pairs("", always, before);
  }

  private Map<String, List<TreeMap<Long, Double>>> series(Valid version, long before) {
    Map<String, List<TreeMap<Long, Double>>> keys = new HashMap<>();
    for (Arrival each : standing.values()) {
      if (each.time() < before && version.takes(each)) {
        keys.computeIfAbsent(each.key(), k -> List.of(new TreeMap<>(), new TreeMap<>()))
            .get(each.side() == version.r ? Side.R : Side.S)
            .put(each.time(), each.value());
      }
    }
    return keys;
  }

  /** At each millisecond, which are the newest samples? */
  private List<String> durations(Valid version) {
    long distance = version.distance;
    List<String> found = new ArrayList<>();
    series(version, Long.MAX_VALUE)
        .forEach(
            (key, series) -> {
              TreeMap<Long, Double> r = series.get(Side.R);
              TreeMap<Long, Double> s = series.get(Side.S);
              Map<Pair, Long> lasting = new HashMap<>();
              TreeSet<Long> times = new TreeSet<>(r.keySet());
              times.addAll(s.keySet());
              long end = Math.min(times.last() + distance, version.until);
              for (long now = times.first(); now < end; now++) {
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
              lasting.forEach(
                  (pair, millis) -> found.add(lasted(version.named(key), pair, millis)));
            });
    return found;
  }

  private List<String> pairs(String status, Valid version, long before) {
    List<String> found = new ArrayList<>();
    series(version, before)
        .forEach(
            (key, series) -> {
              TreeMap<Long, Double> r = series.get(Side.R);
              TreeMap<Long, Double> s = series.get(Side.S);
              for (long rTime : r.keySet()) {
                for (long sTime : s.keySet()) {
                  if (isPair(r, rTime, s, sTime) && Math.abs(rTime - sTime) <= version.distance) {
                    Pair pair = new Pair(rTime, r.get(rTime), sTime, s.get(sTime));
                    found.add(pair(status, version.named(key), pair));
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
