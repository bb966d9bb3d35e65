package sdp.patterns;

import java.util.Random;

/** What is looked for: small numbers, so that random events often are near the limits. */
record Rules(
    long window,
    int count,
    double below,
    long coolDown,
    long keep,
    int steps,
    long timeout,
    long halfLife,
    double deviations,
    int minCount,
    long remembered) {
  static final Rules USUAL = new Rules(100, 3, 50, 0, 1_000, 3, 100, 50, 1.7, 3, 20);

  static Rules any(Random random) {
    return new Rules(
        1 + random.nextInt(30),
        1 + random.nextInt(5),
        random.nextInt(60),
        random.nextInt(3) == 0 ? random.nextInt(10) : 0,
        random.nextInt(80),
        2 + random.nextInt(3),
        1 + random.nextInt(30),
        1 + random.nextInt(20),
        0.7 + random.nextDouble(),
        1 + random.nextInt(5),
        random.nextInt(40));
  }

  Pattern[] patterns() {
    return new Pattern[] {
      new CountInWindow("count", window, count, below, coolDown, keep),
      new MissingStep("missing", steps, timeout),
      new Anomaly("anomaly", halfLife, deviations, minCount, 0.05)
    };
  }

  /** For how long ids are remembered. */
  long memory() {
    return Math.max(remembered, Math.max(window, timeout));
  }
}
