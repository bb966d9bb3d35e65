package sdp.functions;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.api.dataview.MapView;

/**
 * The open keys of one slice. Each is in Flink's state under a slot: the second in which it is due,
 * and a fingerprint of the key. The slots are in memory as well, and of their content as much as
 * there is room for; so a new key is known to be new, and most others are read, without asking the
 * state. Every change goes to the state at once, and all of this is read from there after a
 * restart.
 */
final class OpenKeys {
  private static final int PRINT_BITS = 24;
  private static final int PRINT_MASK = (1 << PRINT_BITS) - 1;

  /** Marks an index where nothing is, and one where something was; no place is like them. */
  private static final long FREE = Long.MIN_VALUE;

  private static final long GONE = Long.MIN_VALUE + 1;

  private final Room room;

  /** A hash table by fingerprint, with linear probing; a slot's content is null if not cached. */
  private long[] places;

  private byte[][] entries;

  /** How many places there are in each second. */
  private final Map<Long, Integer> seconds = new HashMap<>();

  private int size;
  private int used;
  private long bytes;
  private int hand;

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
    allocate(8);
    for (Map.Entry<Long, byte[]> entry : state.entries()) {
      add(entry.getKey(), entry.getValue());
    }
  }

  /** The place of keys with that print that are to be looked at in that second since 1970. */
  static long place(long second, long print) {
    return second << PRINT_BITS | print & PRINT_MASK;
  }

  /** The second in which the slot is due. */
  static long second(long place) {
    return place >> PRINT_BITS;
  }

  /**
   * The first index whose place has the print, or the next after one; -1 if there is none. An index
   * is good until the next change.
   */
  int next(long print, int after) {
    int wanted = (int) print & PRINT_MASK;
    int index = after < 0 ? wanted & places.length - 1 : following(after);
    while (places[index] != FREE) {
      if (((int) places[index] & PRINT_MASK) == wanted && isPlace(places[index])) {
        return index;
      }
      index = following(index);
    }
    return -1;
  }

  long placeAt(int index) {
    return places[index];
  }

  /** The content at an index. */
  byte[] get(int index, MapView<Long, byte[]> state) throws Exception {
    byte[] entry = entries[index];
    return entry != null ? entry : read(places[index], state);
  }

  /** The content of a slot, or null. */
  byte[] find(long place, MapView<Long, byte[]> state) throws Exception {
    int index = index(place);
    return index < 0 ? null : get(index, state);
  }

  /** Whether anything is to be looked at in that second. */
  boolean hasSecond(long second) {
    return seconds.containsKey(second);
  }

  /** Puts an entry at a place, over what was there. */
  void put(long place, byte[] entry, MapView<Long, byte[]> state) throws Exception {
    state.put(place, entry);
    int index = index(place);
    if (index < 0) {
      add(place, entry);
    } else {
      keep(index, entry);
      makeRoom();
    }
  }

  /** Removes a slot's content. */
  void remove(long place, MapView<Long, byte[]> state) throws Exception {
    state.remove(place);
    remove(index(place));
  }

  /** Removes and returns all that is to be looked at up to that second. */
  List<byte[]> take(long second, MapView<Long, byte[]> state) throws Exception {
    List<byte[]> taken = new ArrayList<>();
    for (int index = 0; index < places.length; index++) {
      if (isPlace(places[index]) && second(places[index]) <= second) {
        taken.add(get(index, state));
        state.remove(places[index]);
        remove(index);
      }
    }
    if (!taken.isEmpty()) {
      rehash();
    }
    return taken;
  }

  private int index(long place) {
    int index = next(place, -1);
    while (index >= 0 && places[index] != place) {
      index = next(place, index);
    }
    return index;
  }

  private void add(long place, byte[] entry) {
    if (used * 3 >= places.length * 2) {
      rehash();
    }
    insert(place, entry);
    seconds.merge(second(place), 1, Integer::sum);
    makeRoom();
  }

  private void insert(long place, byte[] entry) {
    int index = (int) place & PRINT_MASK & places.length - 1;
    while (places[index] != FREE) {
      index = following(index);
    }
    places[index] = place;
    keep(index, entry);
    size++;
    used++;
  }

  private void remove(int index) {
    keep(index, null);
    seconds.merge(second(places[index]), -1, (before, less) -> before == 1 ? null : before + less);
    places[index] = GONE;
    size--;
  }

  /** Makes the table as large as it has to be, without what is gone. */
  private void rehash() {
    long[] before = places;
    byte[][] kept = entries;
    allocate(Math.max(8, Integer.highestOneBit(size) * 4));
    for (int index = 0; index < before.length; index++) {
      if (isPlace(before[index])) {
        insert(before[index], kept[index]);
      }
    }
  }

  private void allocate(int capacity) {
    places = new long[capacity];
    entries = new byte[capacity][];
    Arrays.fill(places, FREE);
    size = 0;
    used = 0;
    bytes = 0;
    hand = 0;
  }

  private static boolean isPlace(long found) {
    return found != FREE && found != GONE;
  }

  private int following(int index) {
    return index + 1 & places.length - 1;
  }

  private void keep(int index, byte[] entry) {
    bytes += length(entry) - length(entries[index]);
    entries[index] = entry;
  }

  /** Forgets some of what is kept, wherever the hand is: what is new mostly stays for a while. */
  private void makeRoom() {
    for (long share = room.share(); bytes > share; hand = following(hand)) {
      keep(hand, null);
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
