package sdp.patterns;

import java.io.IOException;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * Finds the n-th event within a window that ends with it, while the key's balance is low.
 *
 * <p>An amount above zero is counted. It is a match if, itself included, at least {@code count}
 * amounts of the key are within {@code window} up to it (both ends belong to the window), and the
 * balance after it is below {@code below}. Each further one is a match again, unless it comes less
 * than {@code coolDown} after the last match.
 *
 * <p>The balance after an event is the newest level of the key, less all amounts from the level's
 * time on. Of a level and an amount at one time the level is first. Without a level there is no
 * balance, and nothing is found. A level is forgotten when for {@code keep} neither an amount came
 * in time nor a level.
 *
 * <p>A late amount is not counted; it changes the balance from then on, if it is not older than the
 * level. So does a late level, if it is newer than the level that is known.
 *
 * <p>Amounts are exact to ten-thousandths ({@link Fixed}). Of more than {@link History#MAX_KNOWN}
 * events in a window the newest are counted.
 */
final class CountInWindow implements Pattern {
  private static final long serialVersionUID = 1L;

  private static final int LEVEL = 1;
  private static final int FIRED = 2;

  private final String kind;
  private final long window;
  private final int count;
  private final long below;
  private final long coolDown;
  private final long keep;

  private transient boolean hasLevel;
  private transient long levelTime;
  private transient long balance;
  private transient long changedAt;
  private transient boolean hasFired;
  private transient long firedAt;

  /** Durations are in milliseconds. */
  CountInWindow(String kind, long window, int count, double below, long coolDown, long keep) {
    this.kind = kind;
    this.window = window;
    this.count = count;
    this.below = Fixed.of(below);
    this.coolDown = coolDown;
    this.keep = keep;
  }

  @Override
  public String kind() {
    return kind;
  }

  @Override
  public String layout() {
    return "count-in-window";
  }

  @Override
  public long window() {
    return window;
  }

  @Override
  public boolean takesLate(Event event) {
    return event.kind() == Event.LEVEL || event.kind() == Event.AMOUNT;
  }

  // --- rules ------------------------------------------------------------------------------------

  @Override
  public void accept(Event event, List<Event> known, Found found) {
    hasLevel = hasLevel && event.time() - changedAt <= keep;
    if (event.kind() == Event.LEVEL) {
      setLevel(event.time(), Fixed.of(event.value()), event.time());
    } else if (event.kind() == Event.AMOUNT) {
      subtract(event);
      changedAt = event.time();
      if (event.isCounted() && hasLevel && balance < below && !isCooling(event.time())) {
        find(event, known, found);
      }
    }
  }

  private void setLevel(long time, long value, long changed) {
    hasLevel = true;
    levelTime = time;
    balance = value;
    changedAt = changed;
  }

  private void subtract(Event amount) {
    balance = Fixed.minus(balance, Fixed.of(amount.value()));
  }

  private boolean isCooling(long time) {
    return hasFired && time < firedAt + coolDown;
  }

  private void find(Event event, List<Event> known, Found found) {
    List<Event> counted =
        known.stream().filter(e -> e.isCounted() && e.time() >= event.time() - window).toList();
    if (counted.size() >= count) {
      hasFired = true;
      firedAt = event.time();
      List<Event> causes = counted.subList(counted.size() - count, counted.size());
      found.add(new Match(kind, event.time(), event, causes, (long) counted.size(), balance, null));
    }
  }

  @Override
  public void acceptLate(Event event, List<Event> known) {
    if (event.kind() == Event.AMOUNT) {
      if (hasLevel && event.time() >= levelTime) {
        subtract(event);
      }
    } else if (!hasLevel || event.time() > levelTime) {
      long changed = hasLevel ? Math.max(changedAt, event.time()) : event.time();
      setLevel(event.time(), Fixed.of(event.value()), changed);
      known.stream()
          .filter(e -> e.kind() == Event.AMOUNT && e.time() >= event.time())
          .forEach(this::subtract);
    }
  }

  @Override
  public void advance(long to, Found found) {
    hasLevel = hasLevel && changedAt + keep >= to;
    hasFired = hasFired && firedAt + coolDown > to;
  }

  @Override
  public long dueAt() {
    long forgotten = hasLevel ? changedAt + keep + 1 : Long.MAX_VALUE;
    return hasFired ? Math.min(forgotten, firedAt + coolDown) : forgotten;
  }

  // --- state ------------------------------------------------------------------------------------

  @Override
  public void clear() {
    hasLevel = false;
    hasFired = false;
  }

  @Override
  public boolean isEmpty() {
    return !hasLevel && !hasFired;
  }

  @Override
  public void write(DataOutputSerializer out) throws IOException {
    out.writeByte((hasLevel ? LEVEL : 0) | (hasFired ? FIRED : 0));
    if (hasLevel) {
      out.writeLong(levelTime);
      out.writeLong(balance);
      out.writeLong(changedAt);
    }
    if (hasFired) {
      out.writeLong(firedAt);
    }
  }

  @Override
  public void read(DataInputDeserializer in, byte[] bytes) throws IOException {
    int flags = in.readByte();
    hasLevel = (flags & LEVEL) != 0;
    hasFired = (flags & FIRED) != 0;
    if (hasLevel) {
      levelTime = in.readLong();
      balance = in.readLong();
      changedAt = in.readLong();
    }
    firedAt = hasFired ? in.readLong() : 0;
  }
}
