package sdp.patterns;

import java.io.IOException;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * Finds amounts that are far from what the key's amounts usually are, and gets used to a new level.
 *
 * <p>Of all earlier amounts of the key above zero, each with the weight 2^(-age / half-life), the
 * mean m and the variance v are known. The deviation of an amount is (amount - m) / s, where s is
 * the root of v, but at least {@code floor} · |m|, so that a key whose amounts are always the same
 * has a scale too. It is a match if the deviation's size is at least {@code deviations} and at
 * least {@code minCount} amounts came before. Then the amount itself is added, matching or not:
 * after a lasting change of level the new level is soon the usual one.
 *
 * <p>After {@link #MEMORY} half-lives without an amount the key is as one that was never seen. A
 * late amount is ignored.
 */
final class Anomaly implements Pattern {
  private static final long serialVersionUID = 1L;

  /** In half-lives: what is older has less than a thousandth of its weight. */
  static final int MEMORY = 10;

  /** The scale of a key whose mean is about zero. */
  private static final double LEAST_SCALE = 1e-9;

  private final String kind;
  private final long halfLife;
  private final double deviations;
  private final int minCount;
  private final double floor;

  private transient int count;
  private transient long last;
  private transient double weight;
  private transient double mean;

  /** The sum of the weighted squares of the distances from the mean. */
  private transient double squares;

  /**
   * @param halfLife in milliseconds
   * @param floor the least scale, as a share of the mean
   */
  Anomaly(String kind, long halfLife, double deviations, int minCount, double floor) {
    this.kind = kind;
    this.halfLife = halfLife;
    this.deviations = deviations;
    this.minCount = minCount;
    this.floor = floor;
  }

  @Override
  public String kind() {
    return kind;
  }

  @Override
  public String layout() {
    return "anomaly";
  }

  @Override
  public long window() {
    return 0;
  }

  @Override
  public boolean takesLate(Event event) {
    return false;
  }

  // --- rules ------------------------------------------------------------------------------------

  @Override
  public void accept(Event event, List<Event> known, Found found) {
    if (event.isCounted()) {
      age(event.time());
      if (count >= minCount) {
        find(event, found);
      }
      add(event.value());
    }
  }

  private void age(long time) {
    if (count > 0 && time - last > MEMORY * halfLife) {
      clear();
    }
    double factor = count == 0 ? 1 : StrictMath.pow(2, -(double) (time - last) / halfLife);
    weight *= factor;
    squares *= factor;
    last = time;
  }

  private void find(Event event, Found found) {
    double scale = Math.sqrt(squares / weight);
    scale = Math.max(scale, Math.max(floor * Math.abs(mean), LEAST_SCALE));
    double deviation = (event.value() - mean) / scale;
    if (Math.abs(deviation) >= deviations) {
      found.add(new Match(kind, event.time(), event, List.of(event), null, null, deviation));
    }
  }

  private void add(double value) {
    double distance = value - mean;
    count = Math.min(count, Integer.MAX_VALUE - 1) + 1;
    weight += 1;
    mean += distance / weight;
    squares += distance * (value - mean);
  }

  @Override
  public void acceptLate(Event event, List<Event> known) {}

  @Override
  public void advance(long to, Found found) {
    if (count > 0 && last + MEMORY * halfLife < to) {
      clear();
    }
  }

  @Override
  public long dueAt() {
    return count == 0 ? Long.MAX_VALUE : last + MEMORY * halfLife + 1;
  }

  // --- state ------------------------------------------------------------------------------------

  @Override
  public void clear() {
    count = 0;
    weight = 0;
    mean = 0;
    squares = 0;
  }

  @Override
  public boolean isEmpty() {
    return count == 0;
  }

  @Override
  public void write(DataOutputSerializer out) throws IOException {
    out.writeInt(count);
    out.writeLong(last);
    out.writeDouble(weight);
    out.writeDouble(mean);
    out.writeDouble(squares);
  }

  @Override
  public void read(DataInputDeserializer in, byte[] bytes) throws IOException {
    count = in.readInt();
    last = in.readLong();
    weight = in.readDouble();
    mean = in.readDouble();
    squares = in.readDouble();
  }
}
