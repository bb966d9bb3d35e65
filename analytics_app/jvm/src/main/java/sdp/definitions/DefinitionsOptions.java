package sdp.definitions;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;

/** The options of a table whose operator reads definitions. */
public final class DefinitionsOptions {
  /** The DynamoDB table with the definitions. */
  public static final ConfigOption<String> TABLE = text("definitions.table");

  /** A file with the definitions, in place of a table. */
  public static final ConfigOption<String> FILE = text("definitions.file");

  /** Whether the table is read once, and its frontier stays where it is. */
  public static final ConfigOption<Boolean> BOUNDED =
      ConfigOptions.key("definitions.bounded").booleanType().defaultValue(false);

  /** The time from one read of the table to the next. */
  public static final ConfigOption<Duration> INTERVAL =
      ConfigOptions.key("definitions.interval").durationType().defaultValue(Duration.ofSeconds(1));

  /** The region of the table. */
  public static final ConfigOption<String> REGION = text("aws.region");

  /** Where DynamoDB is, if not where the region says. */
  public static final ConfigOption<String> ENDPOINT = text("aws.endpoint");

  private static ConfigOption<String> text(String key) {
    return ConfigOptions.key(key).stringType().noDefaultValue();
  }

  /** These, and a connector's own. */
  public static Set<ConfigOption<?>> and(ConfigOption<?>... own) {
    Set<ConfigOption<?>> all = new HashSet<>(List.of(own));
    all.addAll(List.of(TABLE, FILE, BOUNDED, INTERVAL, REGION, ENDPOINT));
    return Set.copyOf(all);
  }

  private DefinitionsOptions() {}
}
