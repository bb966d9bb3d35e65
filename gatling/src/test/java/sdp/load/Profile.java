package sdp.load;

import static io.gatling.javaapi.core.CoreDsl.constantUsersPerSec;
import static io.gatling.javaapi.core.CoreDsl.rampUsersPerSec;

import io.gatling.javaapi.core.OpenInjectionStep;
import java.util.ArrayList;
import java.util.List;

/** How the rate of requests goes over time. On average none is above the rate that is given. */
enum Profile {
  /** The same rate all the time. */
  STEADY,
  /** From a tenth of the rate to the rate. */
  RAMP,
  /** Eight seconds of half the rate, then two of three times the rate, again and again. */
  BURST,
  /** The same rate for long: what grows without bound shows. */
  SOAK;

  private static final long CYCLE = 10;
  private static final long PEAK = 2;

  OpenInjectionStep[] steps(double rate, long seconds) {
    return switch (this) {
      case STEADY, SOAK -> new OpenInjectionStep[] {constantUsersPerSec(rate).during(seconds)};
      case RAMP -> new OpenInjectionStep[] {rampUsersPerSec(rate / 10).to(rate).during(seconds)};
      case BURST -> bursts(rate, Math.max(1, seconds / CYCLE));
    };
  }

  private static OpenInjectionStep[] bursts(double rate, long cycles) {
    List<OpenInjectionStep> steps = new ArrayList<>();
    for (long n = 0; n < cycles; n++) {
      steps.add(constantUsersPerSec(rate / 2).during(CYCLE - PEAK));
      steps.add(constantUsersPerSec(rate * 3).during(PEAK));
    }
    return steps.toArray(OpenInjectionStep[]::new);
  }
}
