package sdp.functions;

import java.util.function.LongConsumer;
import java.util.function.ToLongFunction;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.data.StringData;
import sdp.correlate.Outcome;

/**
 * Correlates the records of a subtask's slices: finds each record's key in the state, applies the
 * rules, and puts back what is known of the key then. Knows Flink's state and times as parameters
 * only; all methods are called with the state of the slice they are about.
 *
 * <p>The keys of a slice that close within a few seconds share a timer. Until it fires a closed key
 * may still be there; a record that finds one closes it first, so that no outcome depends on it.
 */
final class Correlator {
  private static final int SHARE_OF_OPEN_TIME = 20;
  private static final long MOST_SECONDS = 30;
  private static final int PRINT_SHIFT = 40;

  private final Correlation rules;
  private final Columns columns;
  private final int keyColumn;
  private final ToLongFunction<StringData> hash;
  private final boolean[] own;
  private final OpenKeys.Room room;
  private final Emitter emitter;

  /** The seconds from a timer of a slice to its next. */
  private final long step;

  private final OpenKeys[] slices = new OpenKeys[Slice.SLICES];
  private final DataOutputSerializer buffer = new DataOutputSerializer(512);
  private final DataInputDeserializer input = new DataInputDeserializer();

  /** Receives each outcome; of {@code times} the first {@code matched} stages are passed. */
  interface Emitter {
    void emit(Object[] values, Outcome outcome, long[] times, int matched);
  }

  /**
   * A key that was found.
   *
   * @param place its slot
   * @param state what is known of it
   * @param others other keys of the slot: same fingerprint; rarely any
   */
  private record Found(long place, KeyState state, byte[] others) {}

  /** The slice a call is about. */
  private record At(int slice, OpenKeys keys, MapView<Long, byte[]> state, LongConsumer timers) {}

  Correlator(
      Correlation rules,
      Columns columns,
      int keyColumn,
      ToLongFunction<StringData> hash,
      boolean[] own,
      OpenKeys.Room room,
      Emitter emitter) {
    this.rules = rules;
    this.columns = columns;
    this.keyColumn = keyColumn;
    this.hash = hash;
    this.own = own;
    this.room = room;
    this.emitter = emitter;
    long open = (rules.window() + rules.lateness()) / 1000 / SHARE_OF_OPEN_TIME;
    step = Math.max(1, Math.min(MOST_SECONDS, open));
  }

  /**
   * Takes a record that is not late.
   *
   * @param slice the one of its key
   * @param timers receive the times at which to call {@link #fire}
   */
  void accept(
      Object[] row,
      int slice,
      int stage,
      long time,
      long watermark,
      MapView<Long, byte[]> state,
      LongConsumer timers)
      throws Exception {
    StringData name = (StringData) row[keyColumn];
    long print = print(name, slice);
    At at = new At(slice, keys(slice, state), state, timers);
    Found found = find(name, print, at);
    KeyState key = found != null ? found.state : new KeyState(rules.stages());
    rules.expire(key, watermark, (o, s, r) -> emit(key, o, s, r));
    rules.accept(key, stage, time, row, (o, s, r) -> emit(key, o, s, r));
    long place = place(key, print, slice);
    if (found != null && found.place != place) {
      leave(found, at);
      found = null;
    }
    put(place, key, found, at);
  }

  /** Closes what is due at a timer, of the slice that its milliseconds name. */
  void fire(long timer, MapView<Long, byte[]> state, LongConsumer timers) throws Exception {
    int slice = (int) Math.floorMod(timer, (long) Slice.SLICES);
    At at = new At(slice, keys(slice, state), state, timers);
    for (byte[] entry : at.keys.take(Math.floorDiv(timer, (long) Slice.SLICES), state)) {
      DataInputDeserializer in = new DataInputDeserializer(entry);
      while (in.available() > 0) {
        KeyState key = KeyState.read(in, rules.stages(), columns);
        rules.expire(key, timer, (o, s, r) -> emit(key, o, s, r));
        if (!key.isEmpty()) {
          long place = place(key, print(key.key(keyColumn), slice), slice);
          put(place, key, null, at);
        }
      }
    }
  }

  private OpenKeys keys(int slice, MapView<Long, byte[]> state) throws Exception {
    if (slices[slice] == null) {
      slices[slice] = new OpenKeys(state, room);
    }
    return slices[slice];
  }

  /** What tells a key from most others of its slice. */
  private long print(StringData key, int slice) {
    long hashed = hash.applyAsLong(key);
    if (Slice.of(hashed) != slice) {
      throw new IllegalArgumentException(
          "CORRELATE: PARTITION BY must be SLICE of the key column; the key '%s' came in slice %d"
              .formatted(key, slice));
    }
    return hashed >>> PRINT_SHIFT;
  }

  private long place(KeyState key, long print, int slice) {
    return OpenKeys.place(second(rules.closesAt(key), slice), print);
  }

  private Found find(StringData key, long print, At at) throws Exception {
    OpenKeys keys = at.keys;
    for (int index = keys.next(print, -1); index >= 0; index = keys.next(print, index)) {
      byte[] entry = keys.get(index, at.state);
      input.setBuffer(entry);
      while (input.available() > 0) {
        int start = input.getPosition();
        KeyState found = KeyState.read(input, rules.stages(), columns);
        if (found.key(keyColumn).equals(key)) {
          return new Found(keys.placeAt(index), found, without(entry, start, input.getPosition()));
        }
      }
    }
    return null;
  }

  /** Puts a key at a place: where it was found, or where it is new. */
  private void put(long place, KeyState key, Found found, At at) throws Exception {
    byte[] others = found != null ? found.others : at.keys.find(place, at.state);
    if (others == null && !at.keys.hasSecond(OpenKeys.second(place))) {
      at.timers.accept(OpenKeys.second(place) * Slice.SLICES + at.slice);
    }
    buffer.clear();
    key.write(columns, buffer);
    if (others != null) {
      buffer.write(others);
    }
    at.keys.put(place, buffer.getCopyOfBuffer(), at.state);
  }

  /** Removes a key from its slot. */
  private static void leave(Found found, At at) throws Exception {
    if (found.others.length > 0) {
      at.keys.put(found.place, found.others, at.state);
    } else {
      at.keys.remove(found.place, at.state);
    }
  }

  /** The second, of those in which a slice's timers fire, that a time in milliseconds waits for. */
  private long second(long millis, int slice) {
    long second = Math.floorDiv(millis + 999, 1000L);
    return second + Math.floorMod(slice - second, step);
  }

  private void emit(KeyState key, Outcome outcome, int stage, Object[] record) {
    switch (outcome) {
      case MATCHED -> {
        emitter.emit(filled(record, key.merged), outcome, key.times, stage + 1);
        key.merge(record, own);
      }
      case CLOSED -> emitter.emit(key.merged, outcome, key.times, key.matched);
      default -> emitter.emit(record, outcome, key.times, 0);
    }
  }

  private Object[] filled(Object[] record, Object[] earlier) {
    if (earlier == null) {
      return record;
    }
    Object[] filled = record.clone();
    for (int column = 0; column < filled.length; column++) {
      if (filled[column] == null && !own[column]) {
        filled[column] = earlier[column];
      }
    }
    return filled;
  }

  private static byte[] without(byte[] entry, int start, int end) {
    byte[] rest = new byte[entry.length - (end - start)];
    System.arraycopy(entry, 0, rest, 0, start);
    System.arraycopy(entry, end, rest, start, entry.length - end);
    return rest;
  }
}
