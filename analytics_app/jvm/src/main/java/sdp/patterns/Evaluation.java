package sdp.patterns;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import sdp.keyed.Block;
import sdp.keyed.Durations;
import sdp.keyed.KeyLogs;
import sdp.keyed.Packed;
import sdp.ledger.Refusal;

/**
 * The events of each key in the order of event time, each once, for patterns to be found in. Knows
 * neither Flink nor a clock.
 *
 * <p>An event waits until the watermark has passed its time, so every order of arrival in which no
 * event comes after that has the same matches. One that does is late, by the greatest watermark
 * there ever was: it is refused, and patterns may let it change what follows. An event whose id is
 * known from at most {@link #window} before or after it is a duplicate. Ids are remembered as long:
 * until then a late event that a pattern takes is one that was not there before, and from then on
 * patterns take none. A late copy of a late event is late like it: a replay takes what was late
 * when it came, and all else at its own time, where a copy would be counted.
 *
 * <p>What is known of a key is stored until nothing can need it.
 */
final class Evaluation implements KeyLogs.Closing {
  /** The watermark before there is one. */
  static final long NO_WATERMARK = Long.MIN_VALUE;

  /** An event is evaluated when the watermark has passed it by at most this, in milliseconds. */
  static final long STEP = 1;

  /** Receives what was found, and what was refused as it came; valid during the call. */
  interface Outcomes {
    void found(byte[] key, int at, int length, Match match);

    void refused(Refusal refusal, Packed packed, String why);

    /** An event is taken: it will be evaluated, once. */
    void taken(Packed packed);
  }

  private final Columns columns;
  private final Pattern[] patterns;
  private final KeyLogs logs;
  private final Outcomes outcomes;
  private final History key;
  private final long window;

  /** The greatest watermark there ever was, without the one that ends the input. */
  private long watermark = NO_WATERMARK;

  /** The greatest watermark of this run; the one that ends the input evaluates all. */
  private long reached = NO_WATERMARK;

  private byte[] name;
  private int nameAt;
  private int nameLength;

  /**
   * What is where in a record.
   *
   * @param keyName what senders call the key
   * @param id the event's id
   * @param level -1 if there is none, as {@code amount} and {@code carried}
   */
  record Columns(String keyName, int id, int level, int amount, int carried)
      implements java.io.Serializable {}

  /**
   * @param remembered for how long ids are remembered at least, in milliseconds
   */
  Evaluation(
      Columns columns, Pattern[] patterns, long remembered, KeyLogs logs, Outcomes outcomes) {
    this.columns = columns;
    this.patterns = patterns;
    this.logs = logs;
    this.outcomes = outcomes;
    key = new History(patterns);
    long longest = remembered;
    for (Pattern pattern : patterns) {
      longest = Math.max(longest, pattern.window());
    }
    window = longest;
  }

  long watermark() {
    return watermark;
  }

  /** For how long events are remembered. */
  long window() {
    return window;
  }

  /** Takes the watermark of an earlier run: what was late then is late now. */
  void restore(long greatest) {
    watermark = Math.max(watermark, greatest);
    reached = Math.max(reached, watermark);
  }

  /** Evaluates what the watermark has passed; returns the greatest there ever was. */
  long advance(long to) throws Exception {
    if (to != Long.MAX_VALUE) {
      watermark = Math.max(watermark, to);
    }
    reached = Math.max(reached, to);
    logs.advance(reached, this);
    return reached;
  }

  /** Takes an event of a key group. */
  void accept(int keyGroup, Packed packed) throws Exception {
    if (!packed.hasKey()) {
      outcomes.refused(Refusal.REFUSED, packed, "it has no " + columns.keyName());
      return;
    }
    name = packed.bytes();
    nameAt = packed.keyAt();
    nameLength = packed.keyLength();
    boolean isKnown = logs.find(keyGroup, packed.hash(), name, nameAt, nameLength);
    Event event = event(packed);
    if (!isKnown || !append(event, packed)) {
      if (isKnown) {
        key.read(logs.bytes(), logs.payloadAt());
        evaluate();
      } else {
        key.clear();
      }
      add(event, packed);
      store(packed.hash(), isKnown);
    }
    logs.relieve();
  }

  /** Takes an event of the selected key that comes in time, if nothing else is to be decided. */
  private boolean append(Event event, Packed packed) throws Exception {
    if (event.time() < watermark || event.carriedLength() > Event.MAX_CARRIED) {
      return false;
    }
    int length = key.append(logs.bytes(), logs.payloadAt(), logs.payloadLength(), event);
    if (length > 0) {
      long due = Math.min(logs.due(), logs.wakingAt(logs.keyGroup(), event.time() + 1, reached));
      logs.put(packed.hash(), name, nameAt, nameLength, key.payload(), length, due);
      outcomes.taken(packed);
    }
    return length > 0;
  }

  /** Evaluates a due key, selected in the logs. */
  @Override
  public void close(long hash) throws Exception {
    name = logs.bytes();
    nameAt = logs.keyAt();
    nameLength = logs.keyLength();
    key.read(name, logs.payloadAt());
    evaluate();
    store(hash, true);
  }

  private Event event(Packed packed) {
    byte[] bytes = packed.bytes();
    int kind = packed.kind();
    long id = Block.slot(bytes, Packed.BLOCK, columns.id());
    double value = 0;
    if (kind < Event.STEP) {
      int column = kind == Event.LEVEL ? columns.level() : columns.amount();
      value = Double.longBitsToDouble(Block.slot(bytes, Packed.BLOCK, column));
    }
    int at = Packed.BLOCK + Block.offset(id);
    long carried = carried(bytes);
    return new Event(
        packed.time(),
        kind,
        value,
        false,
        bytes,
        at,
        Block.length(id),
        Packed.BLOCK + Block.offset(carried),
        Block.length(carried));
  }

  /** Where the text is that a match carries on; one without bytes if there is none. */
  private long carried(byte[] bytes) {
    boolean isGiven =
        columns.carried() >= 0
            && (Block.columns(bytes, Packed.BLOCK) >>> columns.carried() & 1) != 0;
    return isGiven ? Block.slot(bytes, Packed.BLOCK, columns.carried()) : Block.slotOf(0, 0);
  }

  private void store(long hash, boolean isKnown) throws Exception {
    if (!key.isEmpty()) {
      int length = key.write();
      long due = logs.wakingAt(logs.keyGroup(), dueAt(), reached);
      logs.put(hash, name, nameAt, nameLength, key.payload(), length, due);
    } else if (isKnown) {
      logs.remove(hash, name, nameAt, nameLength);
    }
  }

  // --- the rules --------------------------------------------------------------------------------

  private void add(Event event, Packed packed) {
    boolean isLate = event.time() < watermark;
    if (event.carriedLength() > Event.MAX_CARRIED) {
      outcomes.refused(Refusal.REFUSED, packed, tooLong(event));
    } else if (isLate && (event.time() < watermark - window || isRepeatedLate(event))) {
      outcomes.refused(Refusal.LATE, packed, late(event));
    } else if (isRepeated(event, key.waiting) || isRepeated(event, key.known)) {
      outcomes.refused(Refusal.DUPLICATE, packed, "an event with this event_id was there before");
    } else if (isLate) {
      outcomes.refused(Refusal.LATE, packed, late(event));
      takeLate(event);
    } else if (key.isCrowded()) {
      outcomes.refused(Refusal.REFUSED, packed, crowded());
    } else {
      key.await(event);
      outcomes.taken(packed);
    }
  }

  private boolean isRepeated(Event event, List<Event> among) {
    for (Event each : among) {
      if (isRepeated(event, each)) {
        return true;
      }
    }
    return false;
  }

  private boolean isRepeatedLate(Event event) {
    return key.known.stream().anyMatch(each -> each.late() && isRepeated(event, each));
  }

  private boolean isRepeated(Event event, Event before) {
    return before.hasSameId(event) && Math.abs(before.time() - event.time()) <= window;
  }

  private void takeLate(Event event) {
    boolean isTaken = false;
    for (Pattern pattern : patterns) {
      if (pattern.takesLate(event) && key.isCompleteFrom(event.time())) {
        pattern.acceptLate(event, key.known);
        isTaken = true;
      }
    }
    if (isTaken) {
      key.remember(event.asLate());
    }
  }

  /** Evaluates the events of the key that the watermark has passed, and forgets what is over. */
  private void evaluate() {
    if (reached == NO_WATERMARK) {
      return;
    }
    Collections.sort(key.waiting);
    int passed = 0;
    for (; passed < key.waiting.size() && key.waiting.get(passed).time() < reached; passed++) {
      Event event = key.waiting.get(passed);
      pass(event.time());
      key.remember(event);
      for (Pattern pattern : patterns) {
        pattern.accept(event, key.known, this::found);
      }
    }
    key.evaluated(passed);
    pass(reached);
    key.known.removeIf(event -> event.time() < reached - window);
  }

  private void pass(long to) {
    for (Pattern pattern : patterns) {
      pattern.advance(to, this::found);
    }
  }

  private void found(Match match) {
    outcomes.found(name, nameAt, nameLength, match);
  }

  // --- when -------------------------------------------------------------------------------------

  /** The first watermark at which something of the key is to be decided or forgotten. */
  private long dueAt() {
    long due = Long.MAX_VALUE;
    for (Event event : key.waiting) {
      due = Math.min(due, event.time() + 1);
    }
    for (Pattern pattern : patterns) {
      due = Math.min(due, pattern.dueAt());
    }
    return key.known.isEmpty() ? due : Math.min(due, forgottenAt());
  }

  /** When the last of the known events is forgotten, and with it the others. */
  private long forgottenAt() {
    long newest = Long.MIN_VALUE;
    for (Event event : key.known) {
      newest = Math.max(newest, event.time());
    }
    return newest + window + 1;
  }

  // --- reasons ----------------------------------------------------------------------------------

  private String late(Event event) {
    String behind = Durations.rounded(watermark - event.time());
    return "occurred %s before the event time that the stream had reached (%s): patterns are decided up to there"
        .formatted(behind, Instant.ofEpochMilli(watermark));
  }

  private String tooLong(Event event) {
    return "the text that a match would carry on has %,d bytes; at most %,d can be carried"
        .formatted(event.carriedLength(), Event.MAX_CARRIED);
  }

  private String crowded() {
    return "too many events with this %s are waiting for their time: they may take at most %d KiB"
        .formatted(columns.keyName(), History.MAX_WAITING_BYTES >> 10);
  }
}
