package sdp.functions;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.api.dataview.MapView;

/**
 * The open keys of one slice. Each lies in Flink's state under a place: the second in which it is
 * to be looked at, and a print of the key. The places are in memory as well, and of what lies there
 * as much as there is room for; so a new key is known to be new, and most others are read, without
 * asking the state. Every change goes to the state at once, and all of this is read from there
 * after a restart.
 */
final class OpenKeys {
  private static final int PRINT_BITS = 24;
  private static final int PRINT_MASK = (1 << PRINT_BITS) - 1;

  private final Room room;
  private long[] places = new long[8];
  private byte[][] entries = new byte[8][];
  private int size;
  private long bytes;

  /** The memory that all slices of a subtask share, in bytes. */
  static final class Room {
    private final long bytes;
    private int slices;

    Room(long bytes) {
      this.bytes = bytes;
    }

    private long share() {
      return bytes / slices;
    }
  }

  /** Reads the places there are. */
  OpenKeys(MapView<Long, byte[]> state, Room room) throws Exception {
    this.room = room;
    room.slices++;
    for (Map.Entry<Long, byte[]> entry : state.entries()) {
      append(entry.getKey(), entry.getValue());
    }
  }

  /** The place of keys with that print that are to be looked at in that second since 1970. */
  static long place(long second, long print) {
    return second << PRINT_BITS | print & PRINT_MASK;
  }

  /** The second in which what lies there is to be looked at. */
  static long second(long place) {
    return place >> PRINT_BITS;
  }

  /**
   * The next index, from one on, whose place has the print; -1 if there is none. An index is good
   * until the next change.
   */
  int next(long print, int from) {
    int wanted = (int) print & PRINT_MASK;
    for (int index = from; index < size; index++) {
      if (((int) places[index] & PRINT_MASK) == wanted) {
        return index;
      }
    }
    return -1;
  }

  long placeAt(int index) {
    return places[index];
  }

  /** What lies at an index. */
  byte[] get(int index, MapView<Long, byte[]> state) throws Exception {
    byte[] entry = entries[index];
    return entry != null ? entry : read(places[index], state);
  }

  /** What lies at a place, or null. */
  byte[] find(long place, MapView<Long, byte[]> state) throws Exception {
    int index = index(place);
    return index < 0 ? null : get(index, state);
  }

  /** Whether anything is to be looked at in that second. */
  boolean hasSecond(long second) {
    for (int index = 0; index < size; index++) {
      if (second(places[index]) == second) {
        return true;
      }
    }
    return false;
  }

  /** Puts an entry at a place, over what was there. */
  void put(long place, byte[] entry, MapView<Long, byte[]> state) throws Exception {
    state.put(place, entry);
    int index = index(place);
    if (index < 0) {
      append(place, entry);
    } else {
      keep(index, entry);
    }
    makeRoom();
  }

  /** Removes what lies at a place. */
  void remove(long place, MapView<Long, byte[]> state) throws Exception {
    state.remove(place);
    int index = index(place);
    keep(index, null);
    size--;
    System.arraycopy(places, index + 1, places, index, size - index);
    System.arraycopy(entries, index + 1, entries, index, size - index);
    entries[size] = null;
  }

  /** Removes and returns all that is to be looked at up to that second, the oldest first. */
  List<byte[]> take(long second, MapView<Long, byte[]> state) throws Exception {
    List<byte[]> taken = new ArrayList<>();
    int kept = 0;
    for (int index = 0; index < size; index++) {
      if (second(places[index]) <= second) {
        taken.add(get(index, state));
        state.remove(places[index]);
        keep(index, null);
      } else {
        places[kept] = places[index];
        entries[kept++] = entries[index];
      }
    }
    Arrays.fill(entries, kept, size, null);
    size = kept;
    return taken;
  }

  private int index(long place) {
    for (int index = 0; index < size; index++) {
      if (places[index] == place) {
        return index;
      }
    }
    return -1;
  }

  private void append(long place, byte[] entry) {
    if (size == places.length) {
      places = Arrays.copyOf(places, size * 2);
      entries = Arrays.copyOf(entries, size * 2);
    }
    places[size] = place;
    keep(size++, entry);
    makeRoom();
  }

  private void keep(int index, byte[] entry) {
    bytes += length(entry) - length(entries[index]);
    entries[index] = entry;
  }

  /** Forgets what was written first: what is new is what is asked for. */
  private void makeRoom() {
    long share = room.share();
    if (bytes > share) {
      for (int index = 0; index < size && bytes > share / 4 * 3; index++) {
        keep(index, null);
      }
    }
  }

  private static int length(byte[] entry) {
    return entry == null ? 0 : entry.length;
  }

  private static byte[] read(long place, MapView<Long, byte[]> state) throws Exception {
    byte[] entry = state.get(place);
    if (entry == null) {
      throw new IOException("The state has lost what lay at place " + place);
    }
    return entry;
  }
}
