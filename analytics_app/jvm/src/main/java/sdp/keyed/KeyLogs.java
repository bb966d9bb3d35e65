package sdp.keyed;

import java.util.ArrayDeque;
import java.util.Arrays;

/**
 * What is known of the open keys of a subtask: one entry for each, appended to a log on the heap
 * and written back to the state before a checkpoint, or earlier when much is unwritten. A log holds
 * the entries of one key group that are due within a step; when the watermark has passed it, it is
 * closed as a whole, so there is no timer for each key. An entry that is superseded before it was
 * written never is.
 *
 * <p>An entry: its length (4 bytes), the key's hash (8), whether it is there or removes the key
 * (1), unused (1), the length of the key (2), the key, the payload; filled up to {@link
 * Position#ALIGNMENT}. Within the logs of one due time the newest entry of a key counts.
 *
 * <p>A call of {@link #find} or of {@link Closing} selects a key; {@link #put} and {@link #remove}
 * are about that key.
 */
public class KeyLogs {
  /** Receives each key whose log is due; it is selected, and must be put again or removed. */
  public interface Closing {
    void close(long hash) throws Exception;
  }

  private static final int HASH = 4;
  private static final int KIND = 12;
  private static final int KEY_LENGTH = 14;
  private static final int KEY = 16;
  private static final byte THERE = 1;
  private static final byte REMOVED = 0;

  /** Chunks are about this large: what reading one key from the state costs. */
  private static final int CHUNK = 1 << 14;

  /** A log is flushed when so much of it is open; an offset must fit into its position. */
  private static final int MAX_OPEN = 1 << 22;

  private static final int MIN_SWEEP = 1000;

  private record Cached(Log log, int chunk) {}

  private final Chunks state;
  private final HeapBudget heap;
  private final int maxParallelism;
  private final int firstGroup;
  private final KeyGroup[] groups;
  private final long step;
  private final DueHeap due = new DueHeap();
  private final ArrayDeque<Cached> cached = new ArrayDeque<>();
  private byte[] buffer = new byte[CHUNK];
  private long open;
  private int onHeap;

  private KeyGroup group;

  /** Where the selected key is in the index; -1 if it is not. */
  private int slot;

  /** The cold index that the selected key is in, and where; null if it is in none. */
  private ColdIndex cold;

  private int coldSlot;
  private byte[] bytes;
  private int at;

  /** The log that is being closed: its entries need not be removed one by one. */
  private Log closing;

  /**
   * @param step the time from a log of a key group to its next, in milliseconds
   */
  public KeyLogs(
      Chunks state, HeapBudget heap, int maxParallelism, int firstGroup, int count, long step) {
    this.state = state;
    this.heap = heap;
    this.maxParallelism = maxParallelism;
    this.firstGroup = firstGroup;
    this.step = step;
    groups = new KeyGroup[count];
    for (int i = 0; i < count; i++) {
      groups[i] = new KeyGroup(firstGroup + i);
      heap.addHot(hotBytes(groups[i]));
    }
  }

  /** How many keys are open. */
  public long open() {
    return open;
  }

  // --- one key ----------------------------------------------------------------------------------

  /** Selects a key; whether anything is known of it. */
  public boolean find(int keyGroup, long hash, byte[] key, int from, int length) throws Exception {
    group = groups[keyGroup - firstGroup];
    return find(hash, key, from, length, null);
  }

  /** Selects a key of the group; of one log's due time if a log is given. */
  private boolean find(long hash, byte[] key, int from, int length, Log dueWith) throws Exception {
    cold = null;
    Index index = group.index();
    for (slot = index.find(hash); slot >= 0; slot = index.next(hash, slot)) {
      if (isAt(index.position(slot), hash, key, from, length, dueWith)) {
        return true;
      }
    }
    return findCold(hash, key, from, length, dueWith);
  }

  boolean findCold(long hash, byte[] key, int from, int length, Log dueWith) throws Exception {
    for (ColdIndex each : group.cold) {
      for (coldSlot = each.find(hash); coldSlot >= 0; coldSlot = each.next(hash, coldSlot)) {
        long position = group.position(each.place(coldSlot));
        if (isAt(position, hash, key, from, length, dueWith)) {
          cold = each;
          return true;
        }
      }
    }
    return false;
  }

  private boolean isAt(long position, long hash, byte[] key, int from, int length, Log dueWith)
      throws Exception {
    if (dueWith != null && group.at(position).due != dueWith.due) {
      return false;
    }
    load(position);
    return isSameKey(hash, key, from, length);
  }

  /** Where the entry of the selected key is; good until the next call. */
  public byte[] bytes() {
    return bytes;
  }

  public int keyAt() {
    return at + KEY;
  }

  public int keyLength() {
    return Bytes.getShort(bytes, at + KEY_LENGTH);
  }

  public int payloadAt() {
    return keyAt() + keyLength();
  }

  /** The length of the payload, with the bytes that fill up the entry. */
  public int payloadLength() {
    return at + Bytes.getInt(bytes, at) - payloadAt();
  }

  /** The key group of the selected key. */
  public int keyGroup() {
    return group.number;
  }

  /** When the selected key is due. */
  public long due() {
    return group.at(selectedPosition()).due;
  }

  /** Stores what is known of the selected key from now on, which is due at that time. */
  public void put(
      long hash, byte[] key, int from, int keyLength, byte[] payload, int length, long dueAt)
      throws Exception {
    Log log = withRoom(log(group, dueAt(dueAt)));
    int size = aligned(KEY + keyLength + length);
    takeBack(log);
    int offset = extend(log, size);
    byte[] to = log.open();
    write(to, offset, size, hash, THERE, key, from, keyLength);
    System.arraycopy(payload, 0, to, offset + KEY + keyLength, length);
    long position = Position.of(log.number, Position.OPEN, offset);
    if (isSelected()) {
      Log before = group.at(selectedPosition());
      moveSelected(hash, position);
      if (before.due != log.due && before != closing) {
        bury(before.due, hash, key, from, keyLength);
      }
    } else {
      open++;
      add(hash, position);
    }
  }

  /** The selected entry, if it is the last of what is open: its place is free, it is superseded. */
  private void takeBack(Log log) {
    if (slot < 0 || log == closing) {
      return;
    }
    long position = group.index().position(slot);
    int offset = Position.offset(position);
    boolean isOpen = Position.chunk(position) == Position.OPEN && group.at(position) == log;
    if (isOpen && offset + Bytes.getInt(log.open(), offset) == log.end()) {
      log.truncate(offset);
    }
  }

  /** Forgets the selected key. */
  public void remove(long hash, byte[] key, int from, int keyLength) throws Exception {
    Log log = group.at(selectedPosition());
    removeSelected();
    if (log != closing) {
      bury(log.due, hash, key, from, keyLength);
    }
  }

  private boolean isSelected() {
    return slot >= 0 || cold != null;
  }

  private long selectedPosition() {
    return slot >= 0 ? group.index().position(slot) : group.position(cold.place(coldSlot));
  }

  private void moveSelected(long hash, long position) {
    if (slot >= 0) {
      group.index().move(slot, position);
    } else {
      removeCold();
      add(hash, position);
    }
  }

  private void removeSelected() {
    open--;
    if (slot >= 0) {
      group.index().remove(slot);
    } else {
      removeCold();
    }
  }

  private void removeCold() {
    long before = cold.bytes();
    cold.remove(coldSlot);
    if (cold.size() == 0) {
      group.cold.remove(cold);
      heap.addCold(-before);
    } else if (cold.isSparse()) {
      cold.compact();
      heap.addCold(cold.bytes() - before);
    }
    cold = null;
  }

  private void add(long hash, long position) {
    Index index = group.index();
    if (index.isFull()) {
      heap.addHot(Index.bytes(index.grown()) - Index.bytes(index.capacity()));
      index.grow();
    }
    slot = index.add(hash, position);
  }

  private static long hotBytes(KeyGroup of) {
    return Index.bytes(of.index().capacity());
  }

  /** Marks in a log that a key is no longer there, if the state may say it is. */
  void bury(long dueAt, long hash, byte[] key, int from, int keyLength) throws Exception {
    Log log = group.log(dueAt);
    log = log == null ? null : withRoom(log);
    if (log != null && log.isStored()) {
      int size = aligned(KEY + keyLength);
      write(log, extend(log, size), size, hash, key, from, keyLength);
    }
  }

  private static void write(
      Log log, int offset, int size, long hash, byte[] key, int from, int keyLength) {
    write(log.open(), offset, size, hash, REMOVED, key, from, keyLength);
  }

  private static void write(
      byte[] to, int at, int size, long hash, byte kind, byte[] key, int from, int keyLength) {
    Bytes.putInt(to, at, size);
    Bytes.putLong(to, at + HASH, hash);
    to[at + KIND] = kind;
    Bytes.putShort(to, at + KEY_LENGTH, keyLength);
    System.arraycopy(key, from, to, at + KEY, keyLength);
  }

  /** Two keys with the same hash are distinguished by their bytes. */
  boolean isSameKey(long hash, byte[] key, int from, int length) {
    int start = keyAt();
    return Bytes.getLong(bytes, at + HASH) == hash
        && Arrays.equals(bytes, start, start + keyLength(), key, from, from + length);
  }

  private void load(long position) throws Exception {
    Log log = group.at(position);
    int chunk = Position.chunk(position);
    at = Position.offset(position);
    bytes = chunk == Position.OPEN ? log.open() : chunk(log, chunk);
  }

  private static int aligned(int length) {
    return length + Position.ALIGNMENT - 1 & -Position.ALIGNMENT;
  }

  // --- logs -------------------------------------------------------------------------------------

  /**
   * When to look at a key of a group that is due later, so that there are not many logs ({@link
   * Waking}).
   *
   * @param reached the watermark; {@link Long#MIN_VALUE} before there is one
   */
  public long wakingAt(int keyGroup, long due, long reached) {
    return Waking.at(due, reached, step, keyGroup, maxParallelism);
  }

  /** When a group's turn is in a span of time that all groups share. */
  public long turn(int keyGroup, long span) {
    return Waking.turn(span, keyGroup, maxParallelism);
  }

  /** When the log of a key is closed; groups take turns, so that not all are at once. */
  private long dueAt(long time) {
    long shift = step * group.number / maxParallelism;
    return Math.floorDiv(time + shift + step - 1, step) * step - shift;
  }

  private Log log(KeyGroup of, long dueAt) {
    Log log = of.log(dueAt);
    return log != null ? log : start(of, dueAt, 0);
  }

  private Log start(KeyGroup of, long dueAt, int firstChunk) {
    Log log = of.start(dueAt, firstChunk);
    due.add(log);
    return log;
  }

  /**
   * Flushes a log of which much is open, so that every offset fits into its position. What is
   * selected stays so: its slot names the new position, and the bytes that were open stay as they
   * are. The log that is being closed is read as it is; it is never flushed.
   *
   * @return the log to append to: a full one has another after it
   */
  private Log withRoom(Log log) throws Exception {
    if (log == closing || log.end() <= MAX_OPEN) {
      return log;
    }
    flush(log);
    return log.group.log(log.due);
  }

  private int extend(Log log, int size) {
    byte[] before = log.open();
    int offset = log.extend(size);
    if (log.open() != before) {
      heap.addDirty(bytes(log.open()) - bytes(before));
    }
    return offset;
  }

  /** What an array takes; the one that all empty logs share takes nothing. */
  private static long bytes(byte[] array) {
    return array.length == 0 ? 0 : HeapBudget.footprint(array.length);
  }

  private byte[] chunk(Log log, int index) throws Exception {
    byte[] chunk = log.chunk(index);
    if (chunk == null) {
      chunk = state.get(log.group.number, log.stored(index));
      if (chunk == null) {
        throw new IllegalStateException("The state has lost a chunk of the log due " + log.due);
      }
      keep(log, index, chunk);
    }
    return chunk;
  }

  private void keep(Log log, int index, byte[] chunk) {
    log.keep(index, chunk);
    cached.add(new Cached(log, index));
    heap.addCached(bytes(chunk));
    onHeap++;
    while (heap.isCacheFull()) {
      Cached oldest = cached.remove();
      forget(oldest.log, oldest.chunk);
    }
    if (cached.size() > 2 * onHeap + MIN_SWEEP) {
      cached.removeIf(c -> c.log.chunk(c.chunk) == null); // of logs that are closed
    }
  }

  private void forget(Log log, int index) {
    byte[] chunk = log.chunk(index);
    if (chunk != null) {
      log.keep(index, null);
      heap.addCached(-bytes(chunk));
      onHeap--;
    }
  }

  // --- closing ----------------------------------------------------------------------------------

  /** Closes all logs that are due at a watermark. */
  public void advance(long watermark, Closing each) throws Exception {
    for (Log log = due.peek(); log != null && isDue(log.due, watermark); log = due.peek()) {
      due.remove();
      close(log, each);
      relieve();
    }
  }

  boolean isDue(long dueAt, long watermark) {
    return dueAt <= watermark;
  }

  private void close(Log log, Closing each) throws Exception {
    closing = log;
    for (int index = 0; index < log.count(); index++) {
      byte[] chunk = log.chunk(index);
      byte[] read = chunk != null ? chunk : state.get(log.group.number, log.stored(index));
      close(log, index, read, read.length, each);
      forget(log, index);
      state.remove(log.group.number, log.stored(index));
    }
    close(log, Position.OPEN, log.open(), log.end(), each);
    heap.addDirty(-bytes(log.open()));
    log.group.drop(log);
    closing = null;
  }

  private void close(Log log, int chunk, byte[] from, int end, Closing each) throws Exception {
    for (int next = 0; next < end; next += Bytes.getInt(from, next)) {
      if (from[next + KIND] == THERE && select(log, chunk, from, next)) {
        each.close(Bytes.getLong(from, next + HASH));
      }
    }
  }

  /** Selects the key of an entry, if the entry is its newest. */
  private boolean select(Log log, int chunk, byte[] from, int offset) {
    group = log.group;
    bytes = from;
    at = offset;
    cold = null;
    slot = slot(log, chunk, from, offset);
    return slot >= 0 || selectCold(Bytes.getLong(from, offset + HASH), log, chunk, offset);
  }

  private boolean selectCold(long hash, Log log, int chunk, int offset) {
    int place = group.place(log, chunk, offset);
    for (int i = 0; place != 0 && cold == null && i < group.cold.size(); i++) {
      coldSlot = group.cold.get(i).find(hash, place);
      cold = coldSlot >= 0 ? group.cold.get(i) : null;
    }
    return cold != null;
  }

  private static int slot(Log log, int chunk, byte[] from, int offset) {
    long position = Position.of(log.number, chunk, offset);
    return log.group.index().find(Bytes.getLong(from, offset + HASH), position);
  }

  // --- writing back -----------------------------------------------------------------------------

  /** Writes back what is open if it is much, and makes the index smaller if it is large. */
  public void relieve() throws Exception {
    if (heap.isDirtyFull()) {
      flush();
    }
    if (heap.isHotFull()) {
      freeze();
    }
  }

  /** Moves all keys to cold indexes; those that change from now on are in the index again. */
  private void freeze() throws Exception {
    flush();
    boolean isMoved = false;
    boolean isEmpty = true;
    for (KeyGroup each : groups) {
      isEmpty &= each.index().size() == 0;
      long before = hotBytes(each);
      ColdIndex frozen = each.freeze();
      if (frozen != null) {
        heap.addHot(hotBytes(each) - before);
        heap.addCold(frozen.bytes());
        isMoved = true;
      }
    }
    heap.setFrozen(isMoved || isEmpty);
  }

  /** Writes back all that is open: from then on the state has what is known of every key. */
  public void flush() throws Exception {
    for (KeyGroup each : groups) {
      for (Log log : each.logs()) {
        flush(log);
      }
    }
  }

  void flush(Log log) throws Exception {
    byte[] from = log.open();
    Log to = log;
    int length = 0;
    for (int next = 0; next < log.end(); next += Bytes.getInt(from, next)) {
      int size = Bytes.getInt(from, next);
      int found = from[next + KIND] == THERE ? slot(log, Position.OPEN, from, next) : -1;
      if (found < 0 && (from[next + KIND] == THERE || !to.isStored() && length == 0)) {
        continue; // superseded, or there is nothing it could remove
      }
      if (length > 0 && length + size > CHUNK) {
        to = store(to, length);
        length = 0;
      }
      ensure(length + size);
      System.arraycopy(from, next, buffer, length, size);
      if (found >= 0) {
        log.group.index().move(found, Position.of(to.number, to.count(), length));
      }
      length += size;
    }
    if (length > 0) {
      store(to, length);
    }
    heap.addDirty(-bytes(from));
    log.clear();
  }

  /** Stores the buffer as the next chunk of a log; returns the log that has the one after it. */
  private Log store(Log log, int length) throws Exception {
    byte[] chunk = Arrays.copyOf(buffer, length);
    int index = log.add(null);
    state.put(log.group.number, log.stored(index), chunk);
    keep(log, index, chunk);
    return log.isFull() ? start(log.group, log.due, log.firstChunk + log.count()) : log;
  }

  private void ensure(int length) {
    if (buffer.length < length) {
      buffer = Arrays.copyOf(buffer, length * 2);
    }
  }

  // --- restoring --------------------------------------------------------------------------------

  /** Reads the index from the state. */
  public void restore() throws Exception {
    for (KeyGroup each : groups) {
      group = each;
      for (long number : state.numbers(each.number)) {
        Log log = each.log(Log.due(number));
        if (log == null || log.isFull()) {
          keep(each);
          relieve();
          log = start(each, Log.due(number), Log.chunk(number));
        }
        byte[] chunk = state.get(each.number, number);
        restore(log, log.add(chunk), chunk);
      }
      keep(each);
      relieve();
    }
  }

  /** Until a log is read its chunks stay, whatever the budget: its entries are compared. */
  private void keep(KeyGroup restored) {
    for (Log log : restored.logs()) {
      for (int index = 0; index < log.count() && !log.isRestored(); index++) {
        keep(log, index, log.chunk(index));
      }
      log.setRestored();
    }
  }

  private void restore(Log log, int index, byte[] chunk) throws Exception {
    for (int next = 0; next < chunk.length; next += Bytes.getInt(chunk, next)) {
      long hash = Bytes.getLong(chunk, next + HASH);
      int length = Bytes.getShort(chunk, next + KEY_LENGTH);
      // an earlier entry of the key is in a log of the same due time, or there is none
      boolean known = find(hash, chunk, next + KEY, length, log);
      if (chunk[next + KIND] == REMOVED) {
        if (known) {
          removeSelected();
        }
      } else {
        long position = Position.of(log.number, index, next);
        if (known) {
          moveSelected(hash, position);
        } else {
          open++;
          add(hash, position);
        }
      }
    }
  }

  /** Selects every open key, one after the other, to be put again: after a change of layout. */
  public void rewrite(Closing each) throws Exception {
    for (KeyGroup of : groups) {
      Log[] logs = of.logs();
      int[] counts = Arrays.stream(logs).mapToInt(Log::count).toArray();
      for (int i = 0; i < logs.length; i++) {
        for (int index = 0; index < counts[i]; index++) {
          byte[] chunk = chunk(logs[i], index);
          close(logs[i], index, chunk, chunk.length, each);
          relieve();
        }
      }
    }
  }
}
