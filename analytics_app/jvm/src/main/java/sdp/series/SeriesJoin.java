package sdp.series;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import sdp.keyed.Block;
import sdp.keyed.Durations;
import sdp.keyed.KeyLogs;
import sdp.keyed.Packed;
import sdp.ledger.Refusal;

/**
 * The join of two series of samples, r and s, of each key, by a version of a join ({@link
 * SeriesJoins} knows which). Each version has a state of its own. Knows neither Flink nor a clock.
 *
 * <p><b>Pairs.</b> Every r is paired with its previous s, the last one at or before it, and with
 * its next s, the first one at or after it; every s likewise with r. An r and an s of one time are
 * the previous and the next of each other. Each pair is there once, if its samples are not further
 * apart than {@code distance}.
 *
 * <p><b>Samples.</b> A sample is identified by key, series and time. Of several the one with the
 * least value stands, of those with one value the one with the least id; each other one is a
 * duplicate, whatever the order in which they came.
 *
 * <p><b>Time.</b> Each series of each key has a watermark of its own: the greatest time of its
 * samples less the {@code delay} of the series. A sample that is before it is late, and takes no
 * part. So every order of arrival in which no sample comes later than that gives the same pairs,
 * and a partner that is behind, because it sends what it had stored, is not late. A pair is final
 * as soon as the two watermarks decide it: both samples are before the watermark of their series,
 * and one is the other's next; or the watermark of the first one's series has passed the second
 * too, and the first is the other's previous.
 *
 * <p><b>Durations.</b> At any moment the newest samples of both series up to then are a pair, if
 * they are not further apart than {@code distance}. How long, until the next sample of either
 * series, for {@code distance} at most and not beyond the end of the version, is known with that
 * sample, or when none can come in time. So the durations of a key add up to the time in which
 * something is known of both series, and none of it is in two of them.
 *
 * <p><b>Silence.</b> When the watermark of the stream has passed a time by {@code maxLatency}, the
 * pairs of the samples that are known up to there are provisional, if they are not final. When a
 * sample comes that was overdue, those that it contradicts are withdrawn, and others take their
 * place. When the stream's watermark has passed a time by {@code finalAfter}, all samples up to
 * there are taken as known: their pairs are final, and what comes later is late, by the greatest
 * watermark there ever was.
 *
 * <p><b>State.</b> Of a key and version are stored: the samples that are not settled, as they came;
 * in buckets the time and value of those that are not joined or have no next one yet; the last of
 * each series; the provisional pairs. That is what was sampled within {@code finalAfter}, and while
 * both series go on, within {@code delay}; and of one series what waits for the other within {@code
 * distance}. A key is forgotten when no sample that is not late can be paired with its last ones,
 * and what later samples, of other versions, have made late is late by the stream's watermark as
 * well.
 */
final class SeriesJoin implements KeyLogs.Closing {
  /** A key is looked at when the stream's watermark has passed what is due by at most this, ms. */
  static final long STEP = 100;

  /** How many logs there are of entries that are mostly removed before they are due. */
  private static final int KEPT_LOGS = 32;

  /**
   * The numbers of a join, in milliseconds.
   *
   * @param distance that of version 0; others have their own
   * @param rDelay how far the watermark of r is behind its greatest time
   * @param sDelay the same of s
   */
  record Limits(long distance, long rDelay, long sDelay, long maxLatency, long finalAfter)
      implements java.io.Serializable {
    long delay(int side) {
      return side == Side.R ? rDelay : sDelay;
    }
  }

  /**
   * What is where in a record.
   *
   * @param keyName what senders call the key
   * @param series the column with the name of a sample's series
   */
  record Columns(String keyName, int id, int value, int series) implements java.io.Serializable {}

  /** Receives pairs, and refused samples as packed records; bytes are valid during the call. */
  interface Outcomes {
    void pair(JoinVersion join, byte[] key, Pair pair, Status status);

    /** How many milliseconds a final pair was the newest one; once for each that was. */
    void lasted(JoinVersion join, byte[] key, Pair pair, long lasting);

    void refused(Refusal refusal, byte[] record, int at, String why);

    /** A sample is settled: it takes part, and nothing takes its place any more. */
    void settled(byte[] record, int at);

    /** No join in force names the series of the sample. */
    void left(byte[] record, int at);
  }

  /** In the kind of a stored sample, beside its side: another join reports its outcome. */
  private static final int UNREPORTED = 2;

  private final Columns columns;
  private final Limits limits;
  private final Joins joins;
  private final KeyLogs logs;
  private final Outcomes outcomes;
  private final Entries entries;
  private final Timeline samples;
  private final KeyState key;
  private final Provisional provisional;

  /** The greatest watermark there ever was, without the one that ends the input. */
  private long watermark = Frontier.NONE;

  /** The greatest watermark of this run; the one that ends the input decides all. */
  private long reached = Frontier.NONE;

  private JoinVersion version;
  private byte[] name;

  SeriesJoin(Columns columns, Limits limits, Joins joins, KeyLogs logs, Outcomes outcomes) {
    this.columns = columns;
    this.limits = limits;
    this.joins = joins;
    this.logs = logs;
    this.outcomes = outcomes;
    entries = new Entries(logs);
    samples = new Timeline(entries);
    key = new KeyState(samples);
    provisional = new Provisional(entries);
  }

  long watermark() {
    return watermark;
  }

  /** What is before it is late, and its pairs are final, by the stream's watermark. */
  long finalBefore() {
    return passed(limits.finalAfter);
  }

  /** Takes the watermark of an earlier run: what was late then is late now. */
  void restore(long greatest) {
    watermark = Math.max(watermark, greatest);
    reached = Math.max(reached, watermark);
  }

  /** Decides what the stream's watermark decides; returns the greatest there ever was. */
  long advance(long to) throws Exception {
    if (to != Long.MAX_VALUE) {
      watermark = Math.max(watermark, to);
    }
    reached = Math.max(reached, to);
    logs.advance(reached, this);
    return reached;
  }

  // --- one sample -------------------------------------------------------------------------------

  /**
   * Takes a sample of a key group for the version in force at its time.
   *
   * @param isReported whether its outcome is reported: of several joins that take it by one
   */
  void accept(int keyGroup, Packed packed, JoinVersion by, int side, boolean isReported)
      throws Exception {
    select(keyGroup, packed, by);
    packed.setKind(isReported ? side : side | UNREPORTED);
    long time = packed.time();
    if (time < settledTo(side)) {
      refuse(Refusal.LATE, packed.bytes(), 0, late(side, time));
    } else if (isTaken(side, time, packed)) {
      key.newest[side] = Math.max(key.newest[side], time);
      long soonest = Math.min(limits.maxLatency, limits.finalAfter);
      key.dueAt = Math.min(key.dueAt, wakeAt(plus(time, soonest + 1)));
      if (time < key.assumed.end()) {
        key.assumed.reset();
        key.dueAt = Math.min(key.dueAt, plus(reached, 1));
      }
      decide();
      store();
    }
    logs.relieve();
  }

  /** A sample that is not before the end of a version: the version's series is that far. */
  void pass(int keyGroup, Packed packed, JoinVersion by, int side) throws Exception {
    select(keyGroup, packed, by);
    long to = Math.min(packed.time() - limits.delay(side), by.until());
    if (to > settledTo(side)) {
      settle(side, to);
      decide();
      key.dueAt = Math.min(key.dueAt, dueAt());
      store();
    }
    logs.relieve();
  }

  private void select(int keyGroup, Packed packed, JoinVersion by) throws Exception {
    version = by;
    entries.select(keyGroup, by, packed.bytes(), packed.keyAt(), packed.keyLength());
    clearKey();
    if (entries.find(Entries.KEY, 0)) {
      key.read(entries.bytes(), entries.payloadAt());
    } else {
      key.clear();
    }
  }

  private void refuse(Refusal refusal, byte[] record, int at, String why) {
    if (isReported(record, at)) {
      outcomes.refused(refusal, record, at, why);
    }
  }

  private static boolean isReported(byte[] record, int at) {
    return (Packed.kind(record, at) & UNREPORTED) == 0;
  }

  private void clearKey() {
    provisional.clear();
    name = null;
  }

  /** Up to where the samples of a series are taken as known. */
  private long settledTo(int side) {
    long own = key.newest[side] == Frontier.NONE ? Frontier.NONE : minus(side);
    return Math.max(Math.max(own, key.settled[side]), passed(limits.finalAfter));
  }

  private long minus(int side) {
    return key.newest[side] - limits.delay(side);
  }

  /** What the stream's watermark has passed by a duration. */
  private long passed(long by) {
    return reached == Frontier.NONE || reached == Long.MAX_VALUE ? reached : reached - by;
  }

  private static long plus(long time, long more) {
    return time == Frontier.NONE || time == Long.MAX_VALUE ? time : time + more;
  }

  /** Adds a sample to those that are known, or refuses one of two of the same identity. */
  private boolean isTaken(int side, long time, Packed packed) throws Exception {
    Bucket bucket = samples.bucketOf(time);
    double value = value(packed.bytes(), 0);
    int at = bucket.find(time, side);
    if (at < 0) {
      bucket.add(time, side, value);
      entries.find(Entries.SAMPLE, sampleNumber(side, time));
    } else if (stands(packed, value, side, time, bucket.value(at))) {
      bucket.replace(at, value);
    } else {
      refuse(Refusal.DUPLICATE, packed.bytes(), 0, duplicate());
      return false;
    }
    entries.put(packed.bytes(), packed.length(), keptUntil(time));
    return true;
  }

  private static long sampleNumber(int side, long time) {
    return time << 1 | side;
  }

  /** Whether a sample takes the place of the one that is known, which is refused then. */
  private boolean stands(Packed packed, double value, int side, long time, double known)
      throws Exception {
    int order = Double.compare(value, known);
    if (order > 0) {
      return false;
    }
    if (!entries.find(Entries.SAMPLE, sampleNumber(side, time))) {
      throw new IllegalStateException("The state has lost a sample of " + time);
    }
    byte[] record = entries.bytes();
    int at = entries.payloadAt();
    if (order == 0 && compareIds(packed.bytes(), 0, record, at) >= 0) {
      return false;
    }
    refuse(Refusal.DUPLICATE, record, at, duplicate());
    return true;
  }

  private double value(byte[] record, int at) {
    return Double.longBitsToDouble(Block.slot(record, at + Packed.BLOCK, columns.value));
  }

  private int compareIds(byte[] one, int oneAt, byte[] other, int otherAt) {
    long id = Block.slot(one, oneAt + Packed.BLOCK, columns.id);
    long otherId = Block.slot(other, otherAt + Packed.BLOCK, columns.id);
    int from = oneAt + Packed.BLOCK + Block.offset(id);
    int otherFrom = otherAt + Packed.BLOCK + Block.offset(otherId);
    return Arrays.compareUnsigned(
        one, from, from + Block.length(id), other, otherFrom, otherFrom + Block.length(otherId));
  }

  // --- what is decided --------------------------------------------------------------------------

  /** Joins what the watermarks of both series have passed, and forgets what is over. */
  private void decide() throws Exception {
    provisional.pairs(key.hasProvisional);
    settle(Side.R, settledTo(Side.R));
    settle(Side.S, settledTo(Side.S));
    long r = key.settled[Side.R];
    long s = key.settled[Side.S];
    long both = Math.min(r, s);
    if (both > key.decided.end()) {
      key.decided.advance(samples, both, key.paired, version.distance, this::decided, this::lasted);
    }
    if (r != s) {
      int leader = r > s ? Side.R : Side.S;
      key.paired =
          key.decided.pairAhead(
              samples, leader, Math.max(r, s), key.paired, version.distance, this::decided);
    }
    samples.forgetBefore(key.decided.neededFrom(key.paired, version.distance));
  }

  /** Of samples that are settled none takes the place any more: their records are not needed. */
  private void settle(int side, long to) throws Exception {
    if (to > key.settled[side]) {
      var cursor = samples.from(key.settled[side]);
      for (; cursor.isBefore(to); cursor.next()) {
        if (cursor.side() == side
            && entries.find(Entries.SAMPLE, sampleNumber(side, cursor.time()))) {
          reportSettled(entries.bytes(), entries.payloadAt());
          entries.remove();
        }
      }
      key.settled[side] = to;
    }
  }

  private void reportSettled(byte[] record, int at) {
    if (isReported(record, at)) {
      outcomes.settled(record, at);
    }
  }

  private void decided(Pair pair) {
    outcomes.pair(version, name(), pair, Status.FINAL);
    if (key.hasProvisional) {
      provisional.remove(pair);
    }
  }

  private void lasted(Pair pair, long lasting) {
    if (lasting > 0) {
      outcomes.lasted(version, name(), pair, lasting);
    }
  }

  private byte[] name() {
    if (name == null) {
      name = entries.key();
    }
    return name;
  }

  // --- what is provisional ----------------------------------------------------------------------

  /** Joins what is known of the time that is overdue, as if nothing else came. */
  private void assume() throws Exception {
    long to = passed(limits.maxLatency);
    boolean isNew = key.assumed.end() <= key.decided.end();
    List<Pair> before = provisional.pairs(key.hasProvisional);
    if (to <= key.decided.end()) {
      key.assumed.reset();
      replace(before, List.of());
    } else if (isNew) {
      List<Pair> after = new ArrayList<>();
      key.assumed.copy(key.decided);
      key.assumed.advance(
          samples, to, key.paired, version.distance, after::add, Pair.Durations.NONE);
      replace(before, after);
    } else if (to > key.assumed.end()) {
      key.assumed.advance(
          samples, to, key.paired, version.distance, this::assumed, Pair.Durations.NONE);
    }
  }

  private void assumed(Pair pair) {
    outcomes.pair(version, name(), pair, Status.PROVISIONAL);
    provisional.add(pair);
  }

  private void replace(List<Pair> before, List<Pair> after) {
    if (before.equals(after)) {
      return;
    }
    for (Pair pair : before) {
      if (after.stream().noneMatch(pair::hasTimesOf)) {
        outcomes.pair(version, name(), pair, Status.WITHDRAWN);
      }
    }
    for (Pair pair : after) {
      if (!before.contains(pair)) {
        outcomes.pair(version, name(), pair, Status.PROVISIONAL);
      }
    }
    provisional.replace(after);
  }

  // --- entries ----------------------------------------------------------------------------------

  /**
   * An entry is due: a key is looked at; others are kept while their key needs them, and leave with
   * it at the end of the input.
   */
  @Override
  public void close(long hash) throws Exception {
    version = entries.selectOwner(joins);
    clearKey();
    if (Entries.kind(logs) != Entries.KEY && reached != Long.MAX_VALUE) {
      keep();
    } else if (entries.find(Entries.KEY, 0)) {
      key.read(entries.bytes(), entries.payloadAt());
      wake();
    }
  }

  private void wake() throws Exception {
    decide();
    assume();
    key.dueAt = dueAt();
    store();
  }

  private void store() throws Exception {
    key.hasProvisional = provisional.store(key.hasProvisional, keptUntil(reached));
    if (isOver()) {
      key.decided.holdUntil(version.until(), version.distance, this::lasted);
      samples.forgetBefore(Long.MAX_VALUE);
      key.forget();
      if (isOver()) {
        entries.remove(Entries.KEY, 0);
        return;
      }
      key.dueAt = wakeAt(overAt());
    }
    samples.store(this::keptUntil);
    int length = key.write();
    entries.find(Entries.KEY, 0);
    entries.put(key.payload(), length, key.dueAt);
  }

  /** Whether no sample that is not late can be paired with one that is known. */
  private boolean isOver() {
    return overAt() <= reached;
  }

  /** Without a sample: until what is late is late by the stream's watermark too. */
  private long overAt() {
    long newest = Math.max(key.newest[Side.R], key.newest[Side.S]);
    return newest == Frontier.NONE
        ? plus(Math.max(key.settled[Side.R], key.settled[Side.S]), limits.finalAfter)
        : newest + version.distance + limits.finalAfter + 1;
  }

  /** It is due before its key is: a sample waits long, or the join's limits have changed. */
  private void keep() throws Exception {
    byte kind = Entries.kind(logs);
    long number = Entries.number(logs);
    int from = logs.payloadAt();
    byte[] payload = Arrays.copyOfRange(logs.bytes(), from, from + logs.payloadLength());
    entries.find(kind, number);
    entries.put(payload, payload.length, keptUntil(reached));
  }

  // --- when -------------------------------------------------------------------------------------

  /** The first watermark of the stream at which something of the key is to be done. */
  private long dueAt() throws Exception {
    var open = samples.from(key.decided.end());
    if (!open.isThere()) {
      return wakeAt(overAt());
    }
    long due = plus(open.time(), limits.finalAfter + 1);
    var unknown = samples.from(Math.max(key.decided.end(), key.assumed.end()));
    if (unknown.isThere()) {
      due = Math.min(due, plus(unknown.time(), limits.maxLatency + 1));
    }
    return wakeAt(due);
  }

  private long wakeAt(long due) {
    return logs.wakingAt(logs.keyGroup(), due, reached);
  }

  /** When an entry of a time is needed no more, for certain; mostly it is removed before. */
  private long keptUntil(long time) {
    if (time == Frontier.NONE || time == Long.MAX_VALUE) {
      return time;
    }
    long step = Math.max(STEP, limits.finalAfter / KEPT_LOGS);
    long needed = time + limits.finalAfter + version.distance + Bucket.WIDTH + STEP;
    return (Math.floorDiv(needed, step) + 2) * step;
  }

  // --- reasons ----------------------------------------------------------------------------------

  private String late(int side, long time) {
    long settled = settledTo(side);
    return "occurred %s before the time up to which the samples of its series are joined (%s)"
        .formatted(Durations.rounded(settled - time), Instant.ofEpochMilli(settled));
  }

  private static String duplicate() {
    return "another sample of this series has the same time; the one with the least value counts";
  }
}
