package sdp.decisions;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import sdp.decisions.KeyHistory.Entry;
import sdp.keyed.Block;
import sdp.keyed.Durations;
import sdp.keyed.KeyLogs;
import sdp.keyed.Packed;
import sdp.ledger.Refusal;

/**
 * Decides about the business events of each key in whatever order they, profiles and definitions
 * arrive. Knows neither Flink nor a clock.
 *
 * <p>An event waits until the watermark has passed its time: by then every profile and every
 * definition that can be in force at that time is known. The watermark is that of this run alone,
 * because definitions are read again after a restart. What is late is judged by the greatest
 * watermark there ever was. A late event is refused. A late profile is refused, and holds all the
 * same for events that have not been decided. A late copy of a late profile is late like it: a
 * replay takes what was late when it came, and all else at its own time, where a copy would hold
 * for events that had been decided without it.
 *
 * <p>Of profiles the newest of a key is stored for ever, older ones until no event can need them.
 */
final class Deciding implements KeyLogs.Closing {
  /** The watermark before there is one. */
  static final long NO_WATERMARK = Long.MIN_VALUE;

  /** An event is decided when the watermark has passed it by at most this, in milliseconds. */
  static final long STEP = 1;

  /** A key of which only the newest profile is known is written again once in this time. */
  static final long DAY = 86_400_000;

  /** A day has this many times for the keys of a group; three bits of a hash choose one. */
  private static final int PARTS = 8;

  /** Receives what was decided, and what was refused as it came; valid during the call. */
  interface Outcomes {
    /**
     * @param profile null if there is none
     */
    void decided(
        long time, Map<String, Object> event, Map<String, Object> profile, Decision decision);

    void refused(Refusal refusal, Packed packed, String why);

    /** An event will be decided, once; a profile holds, and came in time. */
    void taken(Packed packed);
  }

  private final Layout layout;
  private final Decisions decisions;
  private final KeyLogs logs;
  private final Outcomes outcomes;
  private final KeyHistory key = new KeyHistory();

  /** The greatest watermark there ever was, without the one that ends the input. */
  private long watermark = NO_WATERMARK;

  /** The greatest watermark of this run; the one that ends the input decides all. */
  private long reached = NO_WATERMARK;

  private byte[] name;
  private int nameAt;
  private int nameLength;

  Deciding(Layout layout, Decider decider, Scores scores, KeyLogs logs, Outcomes outcomes) {
    this.layout = layout;
    decisions = new Decisions(decider, scores, outcomes);
    this.logs = logs;
    this.outcomes = outcomes;
  }

  /** The greatest watermark there ever was. */
  long watermark() {
    return watermark;
  }

  /** Takes the watermark of an earlier run: what was late then is late now. */
  void restore(long greatest) {
    watermark = Math.max(watermark, greatest);
  }

  /** Decides what the watermark has passed; returns the greatest there ever was. */
  long advance(long to) throws Exception {
    if (to != Long.MAX_VALUE) {
      watermark = Math.max(watermark, to);
    }
    reached = Math.max(reached, to);
    logs.advance(reached, this);
    decisions.make();
    return Math.max(watermark, reached);
  }

  /** Takes a business event or a profile of a key group. */
  void accept(int keyGroup, Packed packed) throws Exception {
    if (!packed.hasKey()) {
      refuse(Refusal.REFUSED, packed, "it has no " + layout.keyName());
      return;
    }
    name = packed.bytes();
    nameAt = packed.keyAt();
    nameLength = packed.keyLength();
    boolean isKnown = logs.find(keyGroup, packed.hash(), name, nameAt, nameLength);
    if (isKnown) {
      key.read(logs.bytes(), logs.payloadAt());
    } else {
      key.clear();
    }
    add(packed);
    store(packed.hash(), isKnown);
    logs.relieve();
  }

  /**
   * Decides a due key, selected in the logs; its decisions are made before the watermark goes on.
   */
  @Override
  public void close(long hash) throws Exception {
    name = logs.bytes();
    nameAt = logs.keyAt();
    nameLength = logs.keyLength();
    key.read(name, logs.payloadAt());
    decide();
    store(hash, true);
  }

  // --- the rules --------------------------------------------------------------------------------

  private void add(Packed packed) throws Exception {
    byte[] id = id(packed);
    boolean isProfile = packed.kind() != Layout.EVENT;
    boolean isLate = packed.time() < watermark;
    Entry before = isProfile ? key.profile(packed.time(), id) : key.waiting(id);
    if (before != null && before.late()) {
      refuse(Refusal.LATE, packed, late(packed));
    } else if (before != null) {
      refuse(Refusal.DUPLICATE, packed, "an event with this event_id was there before");
    } else if (isLate && !isProfile) {
      refuse(Refusal.LATE, packed, late(packed));
    } else if (key.isCrowded()) {
      refuse(Refusal.REFUSED, packed, crowded());
    } else if (isProfile) {
      key.addProfile(key.entry(packed, id, isLate, layout.profile()));
      if (isLate) {
        refuse(Refusal.LATE, packed, late(packed));
      } else {
        take(packed);
      }
    } else {
      key.waiting.add(key.entry(packed, id, false, layout.event()));
      take(packed);
    }
  }

  private void refuse(Refusal refusal, Packed packed, String why) {
    if (packed.kind() != Layout.COPY) {
      outcomes.refused(refusal, packed, why);
    }
  }

  private void take(Packed packed) {
    if (packed.kind() != Layout.COPY) {
      outcomes.taken(packed);
    }
  }

  private byte[] id(Packed packed) {
    byte[] bytes = packed.bytes();
    long slot = Block.slot(bytes, Packed.BLOCK, layout.id());
    int at = Packed.BLOCK + Block.offset(slot);
    return Arrays.copyOfRange(bytes, at, at + Block.length(slot));
  }

  /** Decides the events of the key that the watermark has passed. */
  private void decide() throws Exception {
    key.waiting.sort(KeyHistory.ORDER);
    int passed = 0;
    for (; passed < key.waiting.size() && key.waiting.get(passed).time() < reached; passed++) {
      decide(key.waiting.get(passed));
    }
    key.waiting.subList(0, passed).clear();
  }

  private void decide(Entry waiting) throws Exception {
    Entry known = key.profileAt(waiting.time());
    Map<String, Object> event = read(layout.event(), waiting);
    event.put(Layout.ID, new String(waiting.id(), UTF_8));
    Map<String, Object> profile = known == null ? null : read(layout.profile(), known);
    if (profile != null) {
      profile.put(Layout.PROFILE_ID, new String(known.id(), UTF_8));
    }
    String kind = String.valueOf(event.get(Layout.KIND));
    decisions.add(kind, waiting.time(), event, profile);
  }

  private static Map<String, Object> read(Fields fields, Entry entry) throws Exception {
    Map<String, Object> values = fields.read(entry.bytes(), entry.at(), entry.length());
    values.put(Layout.TIME, Instant.ofEpochMilli(entry.time()));
    return values;
  }

  // --- storing ----------------------------------------------------------------------------------

  private void store(long hash, boolean isKnown) throws Exception {
    if (reached == Long.MAX_VALUE) {
      key.clear(); // nothing can follow
    }
    key.forgetBefore(earliest());
    if (!key.isEmpty()) {
      int length = key.write();
      logs.put(hash, name, nameAt, nameLength, key.payload(), length, dueAt(hash));
    } else if (isKnown) {
      logs.remove(hash, name, nameAt, nameLength);
    }
  }

  /** The earliest time of an event that is yet to be decided. */
  private long earliest() {
    return key.waiting.stream().mapToLong(Entry::time).reduce(watermark, Math::min);
  }

  /** The first watermark at which something of the key is to be decided or forgotten. */
  private long dueAt(long hash) {
    long due = key.waiting.stream().mapToLong(Entry::time).min().orElse(Long.MAX_VALUE);
    if (key.profiles.size() > 1) {
      due = Math.min(due, key.profiles.get(1).time());
    }
    return due == Long.MAX_VALUE ? daily(hash) : due + 1;
  }

  /**
   * The next time that the selected key, of this hash, has each day: the logs of old entries are
   * closed.
   */
  private long daily(long hash) {
    long now = Math.max(watermark, key.profiles.get(0).time());
    long part = (hash >>> 61) * (DAY / PARTS) + logs.turn(logs.keyGroup(), DAY / PARTS);
    return Math.floorDiv(now - part, DAY) * DAY + DAY + part;
  }

  // --- reasons ----------------------------------------------------------------------------------

  private String late(Packed packed) {
    return "occurred %s before the event time that the stream had reached (%s): decisions have been made up to there"
        .formatted(Durations.rounded(watermark - packed.time()), Instant.ofEpochMilli(watermark));
  }

  private String crowded() {
    return "too many events with this %s are waiting for their time: they may take at most %d KiB"
        .formatted(layout.keyName(), KeyHistory.MAX_BYTES >> 10);
  }
}
