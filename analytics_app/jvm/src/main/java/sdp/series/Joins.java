package sdp.series;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sdp.definitions.Version;
import sdp.keyed.Bytes;

/** All versions of all joins, and which of them take the samples of a series at a time. */
final class Joins {
  /** The kind of its definitions. */
  static final String KIND = "join";

  private static final Logger LOG = LoggerFactory.getLogger(Joins.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A series as one of the two of a version. */
  record Use(JoinVersion version, int side) {}

  /**
   * What becomes of the samples of a series from a time on, until another.
   *
   * @param taking the versions in force, in the order of their joins' names
   * @param over those before
   * @param overUntil the end of the last of them
   */
  record Route(long from, long to, Use[] taking, Use[] over, long overUntil) {}

  /** A version; {@code join} is null where it takes no samples. */
  private record Entry(long version, JoinVersion join, Version written) {}

  /** By name of the join, the versions by the time from which they are valid. */
  private final TreeMap<String, TreeMap<Long, Entry>> names = new TreeMap<>();

  /** By the hash of its name, each series that a version pairs. */
  private final Map<Long, Series> series = new HashMap<>();

  /** By its prefix, each version. */
  private final Map<ByteBuffer, JoinVersion> prefixes = new HashMap<>();

  private List<JoinVersion> versions = List.of();
  private boolean isChanged = true;

  /**
   * @param first the version that is valid until a definition of its name is
   */
  Joins(JoinVersion first) {
    names
        .computeIfAbsent(first.join, name -> new TreeMap<>())
        .put(first.from, new Entry(first.version, first, null));
  }

  /** Adds a version; the same one may be added again. Other kinds are ignored. */
  void add(Version version) {
    if (version.kind().equals(KIND)) {
      boolean isOver = version.ended() || !version.live();
      Entry entry = new Entry(version.version(), isOver ? null : read(version), version);
      names
          .computeIfAbsent(version.name(), name -> new TreeMap<>())
          .merge(version.validFrom(), entry, Joins::newer);
      isChanged = true;
    }
  }

  private static Entry newer(Entry one, Entry other) {
    return one.version >= other.version ? one : other;
  }

  /** What cannot be read, which the API refuses, takes no samples. */
  static JoinVersion read(Version version) {
    try {
      JsonNode body = JSON.readTree(version.body());
      return new JoinVersion(
          version.name(),
          version.version(),
          version.validFrom(),
          body.path("r").asText(),
          body.path("s").asText(),
          Duration.parse(body.path("distance").asText()).toMillis());
    } catch (JsonProcessingException | DateTimeParseException e) {
      LOG.error("Join {} {} pairs nothing: {}", version.name(), version.version(), e.getMessage());
      return null;
    }
  }

  /** All that was added and can ever be in force. */
  List<Version> written() {
    return names.values().stream()
        .flatMap(each -> each.values().stream())
        .map(Entry::written)
        .filter(version -> version != null)
        .toList();
  }

  /**
   * All versions that take samples at some time, in the order of names and times: another list
   * whenever one has been added.
   */
  List<JoinVersion> versions() {
    arrange();
    return versions;
  }

  /**
   * The version of a prefix. Throws IllegalStateException if it is none of these: samples of it
   * cannot be joined.
   */
  JoinVersion find(byte[] bytes, int at) {
    arrange();
    int length = JoinVersion.prefixLength(bytes, at);
    JoinVersion found = prefixes.get(ByteBuffer.wrap(bytes, at, length));
    if (found == null) {
      throw new IllegalStateException(
          "The state has samples of %s, which is not among the definitions. Restore the version."
              .formatted(JoinVersion.described(bytes, at)));
    }
    return found;
  }

  /** What becomes of a sample of the series of this name; null if no version ever pairs it. */
  Route route(byte[] bytes, int at, int length, long time) {
    arrange();
    Series named = series.get(Bytes.hash(bytes, at, length));
    while (named != null && !named.hasName(bytes, at, length)) {
      named = named.next;
    }
    return named == null ? null : named.route(time);
  }

  // --- arranging --------------------------------------------------------------------------------

  private void arrange() {
    if (isChanged) {
      isChanged = false;
      versions = new ArrayList<>();
      prefixes.clear();
      series.clear();
      names.values().forEach(this::arrange);
    }
  }

  private void arrange(TreeMap<Long, Entry> ofName) {
    ofName.forEach(
        (from, entry) -> {
          Long next = ofName.higherKey(from);
          if (entry.join != null) {
            entry.join.endAt(next == null ? Long.MAX_VALUE : next);
            versions.add(entry.join);
            prefixes.put(ByteBuffer.wrap(entry.join.prefix), entry.join);
            series(entry.join, Side.R).uses.add(new Use(entry.join, Side.R));
            series(entry.join, Side.S).uses.add(new Use(entry.join, Side.S));
          }
        });
  }

  private Series series(JoinVersion version, int side) {
    byte[] name = version.series[side].toBytes();
    long hash = Bytes.hash(name, 0, name.length);
    Series first = series.get(hash);
    for (Series each = first; each != null; each = each.next) {
      if (each.hasName(name, 0, name.length)) {
        return each;
      }
    }
    Series made = new Series(name, first);
    series.put(hash, made);
    return made;
  }

  /** A series that versions pair, with its newest route; {@code next} has the same hash. */
  private static final class Series {
    private final byte[] name;
    private final Series next;
    private final List<Use> uses = new ArrayList<>();
    private Route route = new Route(0, 0, null, null, 0);

    Series(byte[] name, Series next) {
      this.name = name;
      this.next = next;
    }

    boolean hasName(byte[] bytes, int at, int length) {
      return Arrays.equals(name, 0, name.length, bytes, at, at + length);
    }

    Route route(long time) {
      if (time < route.from || time >= route.to) {
        route = made(time);
      }
      return route;
    }

    private Route made(long time) {
      long from = Long.MIN_VALUE;
      long to = Long.MAX_VALUE;
      List<Use> taking = new ArrayList<>();
      List<Use> over = new ArrayList<>();
      for (Use use : uses) {
        for (long edge : new long[] {use.version.from, use.version.until()}) {
          from = edge <= time ? Math.max(from, edge) : from;
          to = edge > time ? Math.min(to, edge) : to;
        }
        if (use.version.from <= time) {
          (use.version.until() > time ? taking : over).add(use);
        }
      }
      long overUntil =
          over.stream().mapToLong(use -> use.version.until()).max().orElse(Long.MIN_VALUE);
      return new Route(from, to, taking.toArray(Use[]::new), over.toArray(Use[]::new), overUntil);
    }
  }
}
