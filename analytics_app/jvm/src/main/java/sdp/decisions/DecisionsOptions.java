package sdp.decisions;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;
import sdp.definitions.DefinitionsOptions;

/** The options of {@link DecisionsTableFactory}. */
final class DecisionsOptions {
  /** Identifies the operator: in the plan, where its tables find it, and in its state. */
  static final ConfigOption<String> NAME = text("name");

  /** The column that an event and a profile have in common, a STRING. */
  static final ConfigOption<String> KEY = text("key");

  /** The column with another key by which a profile is known too, a STRING. */
  static final ConfigOption<String> SECOND_KEY = text("second-key");

  /** The column with the id of a business event, or of the event that a profile came with. */
  static final ConfigOption<String> ID = text("id");

  /** The column with the event time, a TIMESTAMP_LTZ(3). */
  static final ConfigOption<String> TIME = text("time");

  /** The column with a record's own bytes. */
  static final ConfigOption<String> DATA = text("data");

  /** The column with the time of receipt; with it and the bytes, the ledger counts. */
  static final ConfigOption<String> RECEIVED = text("received");

  /** The column with the kind of a business event, a STRING; a row without it is a profile. */
  static final ConfigOption<String> KIND = text("kind");

  /** The column with what a business event is about, a STRING. */
  static final ConfigOption<String> SUBJECT = text("subject");

  /** The column with the id by which a business event is traced, a STRING. */
  static final ConfigOption<String> TRACE = text("trace");

  /** The columns that are further fields of a business event: {@code field} or field=column. */
  static final ConfigOption<String> EVENT = text("event");

  /** The columns that are fields of a profile, in the same way. */
  static final ConfigOption<String> PROFILE = text("profile");

  /** The field of the profile, or else of the event, that names the customer. */
  static final ConfigOption<String> CUSTOMER =
      ConfigOptions.key("customer").stringType().defaultValue("customer_id");

  /** The score of every action while there is no model. */
  static final ConfigOption<Double> DEFAULT_SCORE =
      ConfigOptions.key("default-score").doubleType().defaultValue(0.5);

  /** The share of a task manager's heap for open keys; its slots have equal parts of it. */
  static final ConfigOption<Double> HEAP_SHARE =
      ConfigOptions.key("heap-share").doubleType().defaultValue(0.1);

  /** The port that is read. */
  static final ConfigOption<String> PORT = text("port");

  static final Set<ConfigOption<?>> OPTIONAL =
      DefinitionsOptions.and(
          KEY,
          SECOND_KEY,
          ID,
          TIME,
          DATA,
          RECEIVED,
          KIND,
          SUBJECT,
          TRACE,
          EVENT,
          PROFILE,
          CUSTOMER,
          DEFAULT_SCORE,
          HEAP_SHARE,
          PORT);

  private static ConfigOption<String> text(String key) {
    return ConfigOptions.key(key).stringType().noDefaultValue();
  }

  static <T> T required(ReadableConfig options, ConfigOption<T> option) {
    return options.getOptional(option).orElseThrow(() -> wrong(option.key(), "is missing"));
  }

  static List<String> names(ReadableConfig options, ConfigOption<String> option) {
    return Arrays.stream(options.getOptional(option).orElse("").split(","))
        .map(String::strip)
        .filter(name -> !name.isEmpty())
        .toList();
  }

  static ValidationException wrong(String option, String what) {
    return new ValidationException("decisions: '" + option + "' " + what + ".");
  }

  private DecisionsOptions() {}
}
