package sdp.correlate;

import sdp.keyed.KeyLogs;
import sdp.keyed.Packed;

/**
 * The rules of the correlation, over packed records and the logs of open keys. Knows neither Flink
 * nor a clock.
 *
 * <p>The first stage anchors a key: a record of another stage can match if it is within the window
 * around the anchor. Of the records that can, the first has its stage; the others are duplicates.
 * It matches once all stages before it have matched. A record that cannot match takes no stage: it
 * waits, as all do while there is no anchor, until no anchor it could match can still come. When
 * too many bytes of a key wait already, it is unmatched at once, with a detail that says so. What
 * was late once is late for ever, also after the lateness was raised: its key may be closed.
 */
class Join implements KeyLogs.Closing {
  /** The watermark before there is one. */
  static final long NO_WATERMARK = Long.MIN_VALUE;

  /** In the place of a stage: the record violates its definition. */
  static final int MALFORMED = -1;

  /** Receives the outcomes; a row is valid during the call. */
  interface Outcomes {
    void matched(int stage, OutcomeRow row);

    void closed(OutcomeRow row);

    void refused(OutcomeRow row);
  }

  private final Layout layout;
  private final KeyLogs logs;
  private final Outcomes outcomes;
  private final Reasons reasons;
  private final OutcomeRow row;
  private final KeyState key;

  /** The greatest watermark there ever was, without the one that ends the input. */
  private long watermark = NO_WATERMARK;

  /** The greatest watermark of this run; the one that ends the input closes every key. */
  private long reached = NO_WATERMARK;

  /** A record before this time is late; it never goes back. */
  private long floor = NO_WATERMARK;

  private byte[] name;
  private int nameAt;
  private int nameLength;

  Join(Layout layout, Reasons reasons, KeyLogs logs, Outcomes outcomes) {
    this.layout = layout;
    this.reasons = reasons;
    this.logs = logs;
    this.outcomes = outcomes;
    row = new OutcomeRow(layout);
    long unmerged = layout.own() | 1L << layout.key();
    key = new KeyState(layout.stages().size(), unmerged, layout.variable());
  }

  long watermark() {
    return watermark;
  }

  long floor() {
    return floor;
  }

  /** Takes watermark and floor of an earlier run: what was late then is late now. */
  void restore(long greatest, long lateBefore) {
    floor = Math.max(floor, lateBefore);
    raise(greatest);
    reached = watermark;
  }

  /** Closes what is due; returns the greatest watermark there ever was. */
  long advance(long to) throws Exception {
    raise(to);
    reached = Math.max(reached, to);
    logs.advance(reached, this);
    return reached;
  }

  /** A savepoint that drains ends the input, but a job that goes on from it has more. */
  private void raise(long to) {
    if (to != Long.MAX_VALUE) {
      watermark = Math.max(watermark, to);
      boolean isFirst = watermark < NO_WATERMARK + layout.lateness();
      floor = Math.max(floor, isFirst ? NO_WATERMARK : watermark - layout.lateness());
    }
  }

  /** Takes a record of a key group. */
  void accept(int keyGroup, Packed packed) throws Exception {
    byte[] bytes = packed.bytes();
    if (packed.kind() == MALFORMED) {
      refuse(Outcome.MALFORMED, bytes, Packed.BLOCK, reasons.malformed(packed.reason()));
    } else if (isLate(packed.time())) {
      refuse(Outcome.LATE, bytes, Packed.BLOCK, reasons.late(packed.time(), watermark, floor));
    } else if (!packed.hasKey()) {
      refuse(Outcome.UNMATCHED, bytes, Packed.BLOCK, reasons.withoutKey());
    } else {
      correlate(keyGroup, packed);
    }
  }

  private void correlate(int keyGroup, Packed packed) throws Exception {
    name = packed.bytes();
    nameAt = packed.keyAt();
    nameLength = packed.keyLength();
    boolean known = logs.find(keyGroup, packed.hash(), name, nameAt, nameLength);
    boolean changed = false;
    if (known) {
      key.read(logs.bytes(), logs.payloadAt());
      changed = expire();
    } else {
      key.clear();
    }
    if (add(packed) || changed) {
      store(packed.hash(), known);
      logs.relieve();
    }
  }

  /** Decides what a due key, selected in the logs, has to be decided about. */
  @Override
  public void close(long hash) throws Exception {
    name = logs.bytes();
    nameAt = logs.keyAt();
    nameLength = logs.keyLength();
    key.read(name, logs.payloadAt());
    expire();
    store(hash, true);
  }

  /** Translates a key, selected in the logs, that an earlier version of the job has written. */
  KeyLogs.Closing translating(Migration migration) {
    return hash -> {
      name = logs.bytes();
      nameAt = logs.keyAt();
      nameLength = logs.keyLength();
      migration.read(name, logs.payloadAt(), key);
      store(hash, true);
    };
  }

  private void store(long hash, boolean known) throws Exception {
    if (!key.isEmpty()) {
      int length = key.write();
      logs.put(hash, name, nameAt, nameLength, key.payload(), length, closesAt());
    } else if (known) {
      logs.remove(hash, name, nameAt, nameLength);
    }
  }

  // --- the rules --------------------------------------------------------------------------------

  boolean isLate(long time) {
    return time < floor;
  }

  /** Whether no record that is not late can be within the window around that time. */
  boolean isOver(long time) {
    return reached >= overAt(time);
  }

  private long overAt(long time) {
    return time + layout.window() + layout.lateness() + 1;
  }

  private boolean isNearFirst(long time) {
    return isWithinWindow(Math.abs(time - key.times[0]));
  }

  boolean isWithinWindow(long distance) {
    return distance <= layout.window();
  }

  /** The first watermark at which something of the key is to be decided. */
  private long closesAt() {
    long at = key.hasFirst() ? overAt(key.times[0]) : Long.MAX_VALUE;
    for (int index = 0; index < key.waiting(); index++) {
      if (!key.isPlaced(index)) {
        at = Math.min(at, overAt(key.time(index)));
      }
    }
    return at;
  }

  /** Decides what can no longer match; returns whether that changed the key. */
  private boolean expire() {
    boolean changed = key.hasFirst() && isOver(key.times[0]);
    if (changed) {
      closeFirst();
    }
    for (int index = 0; index < key.waiting(); ) {
      if (!key.isPlaced(index) && isOver(key.time(index))) {
        refuse(Outcome.UNMATCHED, index, reasons.withoutFirst());
        changed = true;
      } else {
        index++;
      }
    }
    return changed;
  }

  private void closeFirst() {
    for (int index = 0; index < key.waiting(); ) {
      if (key.isPlaced(index)) {
        refuse(Outcome.UNMATCHED, index, reasons.without(key.matched));
      } else {
        index++;
      }
    }
    outcomes.closed(
        row.closed(name, nameAt, nameLength, key.merged, key.mergedAt, key.times, key.matched));
    key.removeFirst();
  }

  /** Adds a record; returns whether that changed the key. */
  private boolean add(Packed packed) {
    int stage = packed.kind();
    boolean fits = stage == 0 || key.hasFirst() && isNearFirst(packed.time());
    String duplicate = fits ? taken(stage) : repeated(stage, packed.time());
    if (duplicate != null) {
      refuse(Outcome.DUPLICATE, packed.bytes(), Packed.BLOCK, duplicate);
      return false;
    }
    if (!fits && key.isCrowded()) {
      refuse(Outcome.UNMATCHED, packed.bytes(), Packed.BLOCK, reasons.crowded());
      return false;
    }
    key.add(stage, fits, packed.bytes(), 0, packed.length());
    if (fits) {
      key.place(stage, packed.time());
    }
    if (stage == 0) {
      placeWaiting();
    }
    match();
    return true;
  }

  /** Why no other record can have that stage, or null. */
  private String taken(int stage) {
    return key.has(stage) ? reasons.duplicate(stage) : null;
  }

  /** Why the record need not wait, or null. */
  private String repeated(int stage, long time) {
    return isRepeated(stage, time) ? reasons.repeated(stage) : null;
  }

  /** Whether a record that waits has the same stage and time: both can match, or neither. */
  boolean isRepeated(int stage, long time) {
    for (int index = 0; index < key.waiting(); index++) {
      if (!key.isPlaced(index) && key.stage(index) == stage && key.time(index) == time) {
        return true;
      }
    }
    return false;
  }

  /** Gives their stages to the records that waited for the first one, in the order they came. */
  private void placeWaiting() {
    for (int index = 0; index < key.waiting(); ) {
      if (key.isPlaced(index) || !isNearFirst(key.time(index))) {
        index++;
      } else if (key.has(key.stage(index))) {
        refuse(Outcome.DUPLICATE, index, reasons.duplicate(key.stage(index)));
      } else {
        key.place(key.stage(index), key.time(index));
        key.setPlaced(index++);
      }
    }
  }

  private void match() {
    while (key.matched < layout.stages().size() && key.has(key.matched)) {
      int stage = key.matched++;
      int index = key.find(stage);
      byte[] record = key.record(index);
      int block = key.block(index);
      outcomes.matched(
          stage, row.matched(record, block, key.merged, key.mergedAt, key.times, key.matched));
      key.merge(record, block);
      key.drop(index);
    }
  }

  private void refuse(Outcome outcome, int index, String why) {
    refuse(outcome, key.record(index), key.block(index), why);
    key.drop(index);
  }

  private void refuse(Outcome outcome, byte[] bytes, int block, String why) {
    outcomes.refused(row.refused(outcome, bytes, block, why));
  }
}
