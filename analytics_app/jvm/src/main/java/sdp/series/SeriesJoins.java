package sdp.series;

import java.util.ArrayList;
import java.util.List;
import sdp.definitions.Version;
import sdp.keyed.Block;
import sdp.keyed.Bytes;
import sdp.keyed.KeyLogs;
import sdp.keyed.Packed;
import sdp.ledger.Refusal;
import sdp.series.Joins.Route;
import sdp.series.Joins.Use;

/**
 * The joins by the versions in force: each named join pairs the samples of two series, each of its
 * versions those of its own time ({@link SeriesJoin}). Knows neither Flink nor a clock.
 *
 * <p><b>Versions.</b> A sample goes into each join whose version in force at the sample's own time
 * names its series. No pair crosses a change of version, and no duration does: a pair lasts until
 * its version ends at most. A series goes on through all of them: its watermark is that of all of
 * its samples, so what one version takes no more lets the pairs of the version before be final, and
 * a sample is late in every join or in none.
 *
 * <p><b>Waiting.</b> A sample is taken when the frontier of the definitions has passed its time:
 * until then another version may be written that is in force then. What waits is taken in the order
 * of its time, to {@code step}; so of what comes in another order while it waits nothing is late.
 *
 * <p><b>Outcomes.</b> Each sample has one: that of the first of the joins that take it, by name.
 * The others agree, because the watermark is the same; and it is there when all have decided it.
 *
 * <p>An entry of what waits: its number (8 bytes) and the time of its log (8); as payload the
 * sample.
 */
final class SeriesJoins implements KeyLogs.Closing {
  /** What waits is taken when the frontier has passed it by at most this, milliseconds. */
  static final long STEP = 10;

  /** While the frontier is not known, what waits is sorted by minutes. */
  private static final long MINUTE = 60_000;

  private static final int NAME = 16;

  private final SeriesJoin.Columns columns;
  private final SeriesJoin.Limits limits;
  private final Joins joins;
  private final KeyLogs waiting;
  private final long step;
  private final SeriesJoin.Outcomes outcomes;
  private final SeriesJoin join;
  private final List<JoinVersion> open = new ArrayList<>();
  private final Packed held = new Packed();
  private final byte[] name = new byte[NAME];

  /** All versions that are valid from then or earlier are known. */
  private long frontier = Frontier.NONE;

  /** How many have waited, in all runs. */
  private long numbers;

  private List<JoinVersion> known = List.of();
  private long left = Frontier.NONE;

  /**
   * @param logs of keys
   * @param waiting of samples, closed by the frontier
   * @param step of the latter, in milliseconds
   */
  SeriesJoins(
      SeriesJoin.Columns columns,
      SeriesJoin.Limits limits,
      Joins joins,
      KeyLogs logs,
      KeyLogs waiting,
      long step,
      SeriesJoin.Outcomes outcomes) {
    this.columns = columns;
    this.limits = limits;
    this.joins = joins;
    this.waiting = waiting;
    this.step = step;
    this.outcomes = outcomes;
    join = new SeriesJoin(columns, limits, joins, logs, outcomes);
  }

  /** Adds a version of a definition. */
  void define(Version version) {
    joins.add(version);
  }

  /** All that was added and can ever be in force. */
  List<Version> written() {
    return joins.written();
  }

  long watermark() {
    return join.watermark();
  }

  long numbers() {
    return numbers;
  }

  /** How many samples wait. */
  long waiting() {
    return waiting.open();
  }

  /** Takes the watermark of an earlier run, and how many had waited. */
  void restore(long greatest, long waited) {
    join.restore(greatest);
    numbers = Math.max(numbers, waited);
  }

  /** Takes what the frontier of the definitions has passed. */
  void reach(long to) throws Exception {
    frontier = Math.max(frontier, to);
    waiting.advance(frontier, this);
  }

  /**
   * Decides what the stream's watermark decides. It is never ahead of the frontier. Returns up to
   * where all final rows have left.
   */
  long advance(long to) throws Exception {
    long reached = join.advance(to);
    left = Math.max(left, reached == Long.MAX_VALUE ? reached : leaving(reached));
    return left;
  }

  /** Rows of a version are not before it, and not further behind than it joins. */
  private long leaving(long reached) {
    if (known != joins.versions()) {
      known = joins.versions();
      open.clear();
      open.addAll(known);
    }
    open.removeIf(version -> version.until() <= reached - behind(version.distance));
    long least = reached - behind(0);
    for (JoinVersion version : open) {
      long own = reached - behind(version.distance);
      least = Math.min(least, version.from > own ? version.from - 1 : own);
    }
    return least;
  }

  /** How far what is final may be behind the stream's watermark, the last duration included. */
  private long behind(long distance) {
    return limits.finalAfter() + 2 * distance + SeriesJoin.STEP;
  }

  // --- one sample -------------------------------------------------------------------------------

  /** Takes a sample of a key group, or lets it wait. */
  void accept(int keyGroup, Packed packed) throws Exception {
    if (!packed.hasKey() || packed.keyLength() > Entries.MAX_KEY) {
      outcomes.refused(Refusal.REFUSED, packed.bytes(), 0, unusable(packed));
    } else if (isKnown(packed.time())) {
      take(keyGroup, packed);
    } else {
      waitFor(keyGroup, packed, dueAt(keyGroup, packed.time()));
      waiting.relieve();
    }
  }

  /** What has waited and is not after this time has been taken, too. */
  private boolean isKnown(long time) {
    return frontier != Frontier.NONE && time <= frontier - step;
  }

  private long dueAt(int keyGroup, long time) {
    return frontier == Frontier.NONE
        ? Math.floorDiv(time, MINUTE) * MINUTE
        : waiting.wakingAt(keyGroup, time, frontier);
  }

  private void waitFor(int keyGroup, Packed packed, long dueAt) throws Exception {
    Bytes.putLong(name, 0, ++numbers);
    Bytes.putLong(name, 8, dueAt);
    long hash = Bytes.hash(name, 0, NAME);
    waiting.find(keyGroup, hash, name, 0, NAME);
    waiting.put(hash, name, 0, NAME, packed.bytes(), packed.length(), dueAt);
  }

  /** A sample has waited; one that was put to a coarser time is put to its own. */
  @Override
  public void close(long hash) throws Exception {
    int keyGroup = waiting.keyGroup();
    byte[] bytes = waiting.bytes();
    long wokenAt = Bytes.getLong(bytes, waiting.keyAt() + 8);
    System.arraycopy(bytes, waiting.keyAt(), name, 0, NAME);
    held.read(bytes, waiting.payloadAt(), waiting.payloadLength());
    waiting.remove(hash, name, 0, NAME);
    long time = held.time();
    if (wokenAt + step < time) {
      waitFor(keyGroup, held, time <= frontier ? time : dueAt(keyGroup, time));
    } else {
      take(keyGroup, held);
    }
  }

  private void take(int keyGroup, Packed packed) throws Exception {
    Route route = route(packed);
    if (route == null || route.taking().length == 0) {
      outcomes.left(packed.bytes(), 0);
    } else {
      boolean isFirst = true;
      for (Use use : route.taking()) {
        join.accept(keyGroup, packed, use.version(), use.side(), isFirst);
        isFirst = false;
      }
    }
    if (route != null && route.overUntil() > join.finalBefore()) {
      pass(keyGroup, packed, route);
    }
  }

  private Route route(Packed packed) {
    byte[] bytes = packed.bytes();
    if ((Block.columns(bytes, Packed.BLOCK) >>> columns.series() & 1) == 0) {
      return null;
    }
    long slot = Block.slot(bytes, Packed.BLOCK, columns.series());
    int at = Packed.BLOCK + Block.offset(slot);
    return joins.route(bytes, at, Block.length(slot), packed.time());
  }

  /** Tells versions that are over, and may still have open pairs, how far their series is. */
  private void pass(int keyGroup, Packed packed, Route route) throws Exception {
    for (Use use : route.over()) {
      if (use.version().until() > join.finalBefore()) {
        join.pass(keyGroup, packed, use.version(), use.side());
      }
    }
  }

  private String unusable(Packed packed) {
    return packed.hasKey()
        ? "%s has more than %d bytes".formatted(columns.keyName(), Entries.MAX_KEY)
        : "it has no " + columns.keyName();
  }
}
