package sdp.decisions;

import java.util.Random;
import sdp.definitions.Version;

/** Made-up definitions: a few names, live, in the shadow, ended and valid again. */
final class MadeUp {

  static Version version(Random random, int number, long validFrom) {
    return switch (random.nextInt(9)) {
      case 0 -> ended(random, Checked.template("t", number, validFrom, "{{ event.value }}"));
      case 1 ->
          ended(
              random,
              Checked.threshold("least", number, validFrom, random.nextBoolean() ? 0.9 : 0.5));
      case 2, 3 -> ended(random, model(random, number, validFrom));
      case 4 -> ended(random, Checked.feature("f", number, validFrom, feature(random)));
      default -> rule(random, number, validFrom);
    };
  }

  private static String feature(Random random) {
    long more = random.nextInt(4);
    return (random.nextBoolean() ? "event.value + %d.0" : "double(profile.age) + %d.0")
        .formatted(more);
  }

  /** One in two has a flaw. */
  private static Version model(Random random, int number, long validFrom) {
    var flaws = MadeUpModels.Flaw.values();
    var flaw = random.nextBoolean() ? MadeUpModels.Flaw.NONE : flaws[random.nextInt(flaws.length)];
    return MadeUpModels.version(number, validFrom, flaw);
  }

  private static Version rule(Random random, int number, long validFrom) {
    boolean ofEvent = random.nextBoolean();
    boolean ofProfile = !ofEvent || random.nextBoolean();
    Oracle.Rule rule =
        new Oracle.Rule(ofEvent, ofProfile, random.nextInt(4) == 0, random.nextInt(10));
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
