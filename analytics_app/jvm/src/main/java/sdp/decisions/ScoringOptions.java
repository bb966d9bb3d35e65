package sdp.decisions;

import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.table.api.ValidationException;
import sdp.definitions.DefinitionsOptions;

/**
 * The options of {@link ScoringTableFactory}; those that it shares are {@link DecisionsOptions}.
 */
final class ScoringOptions {
  static final Set<ConfigOption<?>> OPTIONAL =
      DefinitionsOptions.and(DecisionsOptions.TIME, DecisionsOptions.PORT);

  static ValidationException wrong(String option, String what) {
    return new ValidationException("scores: '" + option + "' " + what + ".");
  }

  private ScoringOptions() {}
}
