package sdp.decisions;

import java.io.Serializable;
import java.util.function.BiFunction;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;
import sdp.definitions.DefinitionsInput;
import sdp.definitions.DefinitionsOptions;
import sdp.scores.FileModels;
import sdp.scores.ModelStore;
import sdp.scores.S3Models;

/** Where definitions and models are, by the options of a table: in DynamoDB and S3, or in files. */
record Stores(DefinitionsInput definitions, ModelStore.Opener models) implements Serializable {

  /**
   * @param wrong the error of an option, by the option and what is wrong with it
   */
  static Stores of(ReadableConfig options, BiFunction<String, String, ValidationException> wrong) {
    DefinitionsInput definitions = DefinitionsInput.of(options, wrong);
    if (options.getOptional(DefinitionsOptions.FILE).isPresent()) {
      return new Stores(definitions, FileModels::new);
    }
    String region = DefinitionsInput.region(options, wrong);
    String endpoint = options.getOptional(DefinitionsOptions.ENDPOINT).orElse(null);
    return new Stores(definitions, () -> S3Models.connect(region, endpoint));
  }
}
