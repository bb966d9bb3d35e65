package sdp.decisions;

import java.util.Random;

/** Made-up definitions: a few names, live, in the shadow, ended and valid again. */
final class MadeUp {

  static Version version(Random random, int number, long validFrom) {
    return switch (random.nextInt(6)) {
      case 0 -> ended(random, Checked.template("t", number, validFrom, "{{ event.value }}"));
      case 1 ->
          ended(
              random,
              Checked.threshold("least", number, validFrom, random.nextBoolean() ? 0.9 : 0.5));
      default -> rule(random, number, validFrom);
    };
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
