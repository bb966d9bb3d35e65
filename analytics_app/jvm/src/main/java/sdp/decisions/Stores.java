package sdp.decisions;

import java.io.Serializable;
import java.time.Clock;
import java.util.function.BiFunction;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;
import sdp.scores.FileModels;
import sdp.scores.ModelStore;
import sdp.scores.S3Models;

/**
 * Where definitions and models are, by the options of a table: in DynamoDB and S3, or in files.
 *
 * @param bounded whether the definitions are read once
 */
record Stores(DefinitionStore.Opener definitions, ModelStore.Opener models, boolean bounded)
    implements Serializable {

  /**
   * @param wrong the error of an option, by the option and what is wrong with it
   */
  static Stores of(ReadableConfig options, BiFunction<String, String, ValidationException> wrong) {
    boolean isFile = options.getOptional(DecisionsOptions.FILE).isPresent();
    if (isFile == options.getOptional(DecisionsOptions.TABLE).isPresent()) {
      throw wrong.apply("definitions.table", "or 'definitions.file' is required, one of them");
    }
    if (isFile) {
      String path = options.get(DecisionsOptions.FILE);
      return new Stores(() -> new FileStore(path), FileModels::new, true);
    }
    String table = options.get(DecisionsOptions.TABLE);
    String region =
        options
            .getOptional(DecisionsOptions.REGION)
            .orElseThrow(() -> wrong.apply(DecisionsOptions.REGION.key(), "is missing"));
    String endpoint = options.getOptional(DecisionsOptions.ENDPOINT).orElse(null);
    boolean bounded = options.get(DecisionsOptions.BOUNDED);
    return new Stores(
        () ->
            new DynamoStore(
                DynamoStore.connect(region, endpoint), table, Clock.systemUTC(), bounded),
        () -> S3Models.connect(region, endpoint),
        bounded);
  }
}
