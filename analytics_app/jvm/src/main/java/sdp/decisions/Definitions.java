package sdp.decisions;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import sdp.definitions.Version;

/** All versions of all definitions, and which of them are in force at a time. */
final class Definitions {
  /** Of each kind, by name, the versions by the time from which they are valid. */
  private final Map<String, Map<String, TreeMap<Long, Entry>>> kinds = new TreeMap<>();

  /** A version, read when it is first needed. */
  private static final class Entry {
    private final Version version;
    private Definition definition;

    Entry(Version version) {
      this.version = version;
    }

    Definition definition() {
      if (definition == null) {
        definition = Definition.of(version);
      }
      return definition;
    }
  }

  /** Adds a version; the same one may be added again. */
  void add(Version version) {
    kinds
        .computeIfAbsent(version.kind(), kind -> new TreeMap<>())
        .computeIfAbsent(version.name(), name -> new TreeMap<>())
        .merge(version.validFrom(), new Entry(version), Definitions::newer);
  }

  private static Entry newer(Entry one, Entry other) {
    return one.version.version() >= other.version.version() ? one : other;
  }

  /** The versions of a kind that are in force at a time, in the order of their names. */
  List<Definition> inForce(String kind, long time) {
    List<Definition> found = new ArrayList<>();
    for (TreeMap<Long, Entry> versions : kinds.getOrDefault(kind, Map.of()).values()) {
      Definition definition = inForce(versions, time);
      if (definition != null) {
        found.add(definition);
      }
    }
    return found;
  }

  /** The version of a name that is in force at a time; null if there is none. */
  Definition inForce(String kind, String name, long time) {
    TreeMap<Long, Entry> versions = kinds.getOrDefault(kind, Map.of()).get(name);
    return versions == null ? null : inForce(versions, time);
  }

  private static Definition inForce(TreeMap<Long, Entry> versions, long time) {
    Map.Entry<Long, Entry> newest = versions.floorEntry(time);
    boolean isThere = newest != null && !newest.getValue().version.ended();
    return isThere ? newest.getValue().definition() : null;
  }

  /** All versions that can ever be in force. */
  List<Version> versions() {
    return kinds.values().stream()
        .flatMap(names -> names.values().stream())
        .flatMap(versions -> versions.values().stream())
        .map(entry -> entry.version)
        .toList();
  }
}
