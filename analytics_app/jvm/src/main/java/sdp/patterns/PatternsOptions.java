package sdp.patterns;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;

/** The options of {@link PatternsTableFactory} that are not those of one pattern. */
final class PatternsOptions {
  /** Identifies the operator: in the plan, where its tables find it, and in its state. */
  static final ConfigOption<String> NAME = text("name");

  /** The column with the key, a STRING. */
  static final ConfigOption<String> KEY = text("key");

  /** The column with the event's id, a STRING. */
  static final ConfigOption<String> ID = text("id");

  /** The column with the event time, a TIMESTAMP_LTZ(3). */
  static final ConfigOption<String> TIME = text("time");

  /** The column with a record's own bytes. */
  static final ConfigOption<String> DATA = text("data");

  /** The column with the time of receipt; with it and the bytes, the ledger counts. */
  static final ConfigOption<String> RECEIVED = text("received");

  /** The column with the amount of an event, a DOUBLE. */
  static final ConfigOption<String> AMOUNT = text("amount");

  /** The column with a balance that holds from an event's time on, a DOUBLE. */
  static final ConfigOption<String> LEVEL = text("level");

  /** The column with the step that an event is, a STRING. */
  static final ConfigOption<String> STEP = text("step");

  /** The values of the step column, in order; events with others are left out. */
  static final ConfigOption<String> STEPS = text("steps");

  /** The column with a text that a match carries on: of its last cause that has one. */
  static final ConfigOption<String> CARRY = text("carry");

  /** For how long ids are remembered; at least as long as the longest window. */
  static final ConfigOption<Duration> REMEMBER =
      ConfigOptions.key("remember").durationType().defaultValue(Duration.ZERO);

  /** What matches are called; each is a pattern with options {@code <kind>.…}. */
  static final ConfigOption<String> KINDS = text("kinds");

  /** The share of a task manager's heap for open keys; its slots have equal parts of it. */
  static final ConfigOption<Double> HEAP_SHARE =
      ConfigOptions.key("heap-share").doubleType().defaultValue(0.2);

  /** The port that is read. */
  static final ConfigOption<String> PORT = text("port");

  static final Set<ConfigOption<?>> OPTIONAL =
      Set.of(
          KEY,
          ID,
          TIME,
          DATA,
          RECEIVED,
          AMOUNT,
          LEVEL,
          STEP,
          STEPS,
          CARRY,
          REMEMBER,
          KINDS,
          HEAP_SHARE,
          PORT);

  private static ConfigOption<String> text(String key) {
    return ConfigOptions.key(key).stringType().noDefaultValue();
  }

  static <T> T required(ReadableConfig options, ConfigOption<T> option) {
    return options.getOptional(option).orElseThrow(() -> wrong(option.key(), "is missing"));
  }

  static List<String> names(String text) {
    return Arrays.stream(text.split(","))
        .map(String::strip)
        .filter(name -> !name.isEmpty())
        .toList();
  }

  static ValidationException wrong(String option, String what) {
    return new ValidationException("patterns: '" + option + "' " + what + ".");
  }

  private PatternsOptions() {}
}
