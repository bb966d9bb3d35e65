package sdp.decisions;

import java.util.Random;
import sdp.definitions.Version;

/** Made-up definitions: a few names, live, in the shadow, ended and valid again. */
final class MadeUp {

  static Version version(Random random, int number, long validFrom) {
    return switch (random.nextInt(8)) {
      case 0 -> ended(random, Checked.template("t", number, validFrom, "{{ event.value }}"));
      case 1 ->
          ended(
              random,
              Checked.threshold("least", number, validFrom, random.nextBoolean() ? 0.9 : 0.5));
      case 2, 3 -> ended(random, model(random, number, validFrom));
      default -> rule(random, number, validFrom);
    };
  }

  /** One in two has a flaw. */
  private static Version model(Random random, int number, long validFrom) {
    var flaws = MadeUpModels.Flaw.values();
    var flaw = random.nextBoolean() ? MadeUpModels.Flaw.NONE : flaws[random.nextInt(flaws.length)];
    return MadeUpModels.version(number, validFrom, flaw);
  }

  private static Version rule(Random random, int number, long validFrom) {
    boolean ofEvent = random.nextBoolean();
    Oracle.Rule rule =
        new Oracle.Rule(ofEvent, !ofEvent || random.nextBoolean(), random.nextInt(10));
    String name = "r" + random.nextInt(3);
    Version version =
        Checked.rule(name, number, validFrom, rule.expression(), "t", random.nextInt(3));
    return ended(random, random.nextInt(5) == 0 ? Checked.shadow(version) : version);
  }

  private static Version ended(Random random, Version version) {
    return random.nextInt(6) == 0
        ? Checked.ended(version, version.version(), version.validFrom())
        : version;
  }

  private MadeUp() {}
}
