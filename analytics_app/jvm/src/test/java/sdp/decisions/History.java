package sdp.decisions;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Made-up arrivals: business events and profiles of a few keys, with ties, repetitions, events that
 * are late or dated ahead, and the watermark after each.
 *
 * <p>Profiles are never late: what they say of the events that are decided with them depends on
 * nothing but their times.
 */
final class History {
  private static final long DELAY = 20;

  /**
   * @param profile whether it is a profile, whose {@code value} is the age
   * @param watermark of the events, once it has arrived
   */
  record Arrival(
      String id, String key, long time, boolean profile, long value, long wall, long watermark) {
    boolean isLate(long before) {
      return time < before;
    }
  }

  private final Random random;
  private final List<Arrival> arrivals = new ArrayList<>();
  private long wall = 1_000;
  private long watermark = Deciding.NO_WATERMARK;

  private History(Random random) {
    this.random = random;
  }

  static List<Arrival> of(Random random) {
    History history = new History(random);
    int count = 40 + random.nextInt(80);
    for (int number = 0; number < count; number++) {
      history.add(number);
    }
    return history.arrivals;
  }

  private void add(int number) {
    wall += random.nextInt(4);
    boolean isRepeated = !arrivals.isEmpty() && random.nextInt(10) == 0;
    Arrival like = isRepeated ? arrivals.get(random.nextInt(arrivals.size())) : made("e" + number);
    watermark = Math.max(watermark, Math.min(like.time(), wall) - DELAY);
    arrivals.add(
        new Arrival(
            like.id(), like.key(), like.time(), like.profile(), like.value(), wall, watermark));
  }

  private Arrival made(String id) {
    boolean isProfile = random.nextInt(3) == 0;
    long earliest = Math.max(watermark, wall - DELAY);
    long time = earliest + random.nextInt((int) DELAY);
    if (!isProfile && random.nextInt(10) == 0) {
      time = wall - random.nextInt(80);
    } else if (random.nextInt(10) == 0) {
      time = wall + random.nextInt(60);
    }
    String key = "key " + random.nextInt(4);
    return new Arrival(id, key, time, isProfile, random.nextInt(10), 0, 0);
  }
}
