package sdp.correlate;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;

/** The options of {@link CorrelateTableFactory}, each with what it means. */
final class CorrelateOptions {
  /** Identifies the operator: in the plan, where its tables find it, and in its state. */
  static final ConfigOption<String> NAME = text("name");

  /** The column with the key, a STRING. */
  static final ConfigOption<String> KEY = text("key");

  /** The column with the stage, a STRING. */
  static final ConfigOption<String> STAGE = text("stage");

  /** The values of the stage column, in order. */
  static final ConfigOption<String> STAGES = text("stages");

  /** {@code stage=label,…}: what senders call a stage, where that is another name. */
  static final ConfigOption<String> LABELS = text("labels");

  /** A value of the stage column that is left out. */
  static final ConfigOption<String> IGNORED = text("ignored");

  /** The column with the event time, a TIMESTAMP_LTZ(3). */
  static final ConfigOption<String> TIME = text("time");

  /** The column with the time at which the stream received a record. */
  static final ConfigOption<String> ARRIVAL = text("arrival");

  /** The column with the time of receipt, where there is no arrival. */
  static final ConfigOption<String> RECEIVED = text("received");

  /** The column with a record's own bytes. */
  static final ConfigOption<String> DATA = text("data");

  /** Columns that belong to one record, so that another stage's never fill them. */
  static final ConfigOption<String> OWN = text("own");

  /** {@code stage.column=name,…}: what a column of one stage is called in the ports. */
  static final ConfigOption<String> RENAMED = text("renamed");

  /** A line for each {@link Check}. */
  static final ConfigOption<String> CHECKS = text("checks");

  static final ConfigOption<Duration> WINDOW =
      ConfigOptions.key("window").durationType().noDefaultValue();

  static final ConfigOption<Duration> LATENESS =
      ConfigOptions.key("lateness").durationType().noDefaultValue();

  /** The column to count by, a BIGINT. */
  static final ConfigOption<String> COUNT_BY = text("count.by");

  /** {@code stage.column}: a BIGINT that is added up. */
  static final ConfigOption<String> COUNT_SUM = text("count.sum");

  static final ConfigOption<Duration> COUNT_PERIOD =
      ConfigOptions.key("count.period").durationType().noDefaultValue();

  /** The share of a task manager's heap for open keys; its slots have equal parts of it. */
  static final ConfigOption<Double> HEAP_SHARE =
      ConfigOptions.key("heap-share").doubleType().defaultValue(0.4);

  /** The port that is read. */
  static final ConfigOption<String> PORT = text("port");

  static final Set<ConfigOption<?>> OPTIONAL =
      Set.of(
          KEY,
          STAGE,
          STAGES,
          LABELS,
          IGNORED,
          TIME,
          ARRIVAL,
          RECEIVED,
          DATA,
          OWN,
          RENAMED,
          CHECKS,
          WINDOW,
          LATENESS,
          COUNT_BY,
          COUNT_SUM,
          COUNT_PERIOD,
          HEAP_SHARE,
          PORT);

  private static ConfigOption<String> text(String key) {
    return ConfigOptions.key(key).stringType().noDefaultValue();
  }

  static <T> T required(ReadableConfig options, ConfigOption<T> option) {
    return options.getOptional(option).orElseThrow(() -> wrong(option, "is missing"));
  }

  static List<String> names(ReadableConfig options, ConfigOption<String> option) {
    return Arrays.stream(options.getOptional(option).orElse("").split(","))
        .map(String::strip)
        .filter(name -> !name.isEmpty())
        .toList();
  }

  static ValidationException wrong(ConfigOption<?> option, String what) {
    return new ValidationException("correlate: '" + option.key() + "' " + what + ".");
  }

  private CorrelateOptions() {}
}
