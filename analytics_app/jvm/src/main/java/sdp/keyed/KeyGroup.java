package sdp.keyed;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The open keys of one key group: their index, and the logs of their entries by due time. Keys that
 * have not changed for a while are moved from the index to cold ones, which take less room.
 */
final class KeyGroup {
  final int number;
  final List<ColdIndex> cold = new ArrayList<>();
  private final ChunkNames names = new ChunkNames();
  private Index index = new Index();
  private final DueLogs logs = new DueLogs();
  private Log[] numbered = new Log[8];

  /** No number below it is free; a position is never 0. */
  private int free = 1;

  private Log last;

  KeyGroup(int number) {
    this.number = number;
  }

  Index index() {
    return index;
  }

  /** Moves all keys whose entries are in the state to a cold index; null if there are none. */
  ColdIndex freeze() {
    Index before = index;
    int[] places = new int[before.capacity()];
    Index after = new Index();
    for (int slot = 0; slot < places.length; slot++) {
      long position = before.position(slot);
      places[slot] = position == 0 ? 0 : placeOf(position);
      if (position != 0 && places[slot] == 0) {
        if (after.isFull()) {
          after.grow();
        }
        after.add(before.hash(slot), position);
      }
    }
    if (after.size() == before.size()) {
      return null;
    }
    index = after;
    cold.add(new ColdIndex(before, places));
    return cold.get(cold.size() - 1);
  }

  /** The place of a position in the state; 0 if it can have none. */
  private int placeOf(long position) {
    int chunk = Position.chunk(position);
    int name = chunk == Position.OPEN ? 0 : names.nameOf(at(position), chunk);
    return place(name, Position.offset(position));
  }

  /** The place of an entry that may be in a cold index; 0 if it is in none. */
  int place(Log log, int chunk, int offset) {
    return place(chunk == Position.OPEN ? 0 : log.name(chunk), offset);
  }

  private static int place(int name, int offset) {
    int unit = offset / Position.ALIGNMENT;
    boolean fits = name != 0 && unit >>> ColdIndex.OFFSET_BITS == 0;
    return fits ? name << ColdIndex.OFFSET_BITS | unit : 0;
  }

  /** The position of a place. */
  long position(int place) {
    int name = place >>> ColdIndex.OFFSET_BITS;
    int unit = place & (1 << ColdIndex.OFFSET_BITS) - 1;
    return Position.of(names.log(name).number, names.chunk(name), unit * Position.ALIGNMENT);
  }

  /** The log that entries with this due time are appended to; null if there is none yet. */
  Log log(long due) {
    if (last == null || last.due != due) {
      Log log = logs.get(due);
      if (log == null) {
        return null;
      }
      last = log;
    }
    return last;
  }

  /** Starts a log, behind those with the same due time. */
  Log start(long due, int firstChunk) {
    while (free < numbered.length && numbered[free] != null) {
      free++;
    }
    if (free == numbered.length) {
      numbered = Arrays.copyOf(numbered, free * 2);
    }
    Log log = new Log(this, due, free, firstChunk);
    numbered[free] = log;
    logs.put(log);
    last = log;
    return log;
  }

  void drop(Log log) {
    names.drop(log);
    logs.remove(log);
    numbered[log.number] = null;
    free = Math.min(free, log.number);
    last = null;
  }

  Log at(long position) {
    return numbered[Position.log(position)];
  }

  /** Those there are now; changing the group does not change them. */
  Log[] logs() {
    return Arrays.stream(numbered).filter(log -> log != null).toArray(Log[]::new);
  }
}
