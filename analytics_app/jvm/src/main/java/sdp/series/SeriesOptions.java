package sdp.series;

import java.time.Duration;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;
import sdp.definitions.DefinitionsOptions;

/** The options of {@link SeriesTableFactory}. */
final class SeriesOptions {
  /** Identifies the operator: in the plan, where its tables find it, and in its state. */
  static final ConfigOption<String> NAME = text("name");

  /** The column with the key, a STRING. */
  static final ConfigOption<String> KEY = text("key");

  /** The column with the sample's id, a STRING. */
  static final ConfigOption<String> ID = text("id");

  /** The column with the event time, a TIMESTAMP_LTZ(3). */
  static final ConfigOption<String> TIME = text("time");

  /** The column with a record's own bytes. */
  static final ConfigOption<String> DATA = text("data");

  /** The column with the time of receipt; with it and the bytes, the ledger counts. */
  static final ConfigOption<String> RECEIVED = text("received");

  /** The column that names the series of a sample, a STRING. */
  static final ConfigOption<String> SERIES = text("series");

  /** The column with the value of a sample, a DOUBLE. */
  static final ConfigOption<String> VALUE = text("value");

  /** The name of the join that the options r, s and distance are version 0 of. */
  static final ConfigOption<String> JOIN = text("join");

  /** The name of the series r. */
  static final ConfigOption<String> R = text("r");

  /** The name of the series s. */
  static final ConfigOption<String> S = text("s");

  /** How far apart the samples of a pair may be. */
  static final ConfigOption<Duration> DISTANCE = duration("distance");

  /** How far the watermark of r is behind its greatest time. */
  static final ConfigOption<Duration> R_DELAY = duration("r.delay");

  /** The same of s. */
  static final ConfigOption<Duration> S_DELAY = duration("s.delay");

  /** How far the stream's watermark has passed a time when its pairs are provisional. */
  static final ConfigOption<Duration> MAX_LATENCY = duration("max-latency");

  /** How far the stream's watermark has passed a time when its pairs are final in any case. */
  static final ConfigOption<Duration> FINAL_AFTER = duration("final-after");

  /** The share of a task manager's heap for open keys; its slots have equal parts of it. */
  static final ConfigOption<Double> HEAP_SHARE =
      ConfigOptions.key("heap-share").doubleType().defaultValue(0.2);

  /** The port that is read. */
  static final ConfigOption<String> PORT = text("port");

  static final Set<ConfigOption<?>> OPTIONAL =
      DefinitionsOptions.and(
          KEY,
          ID,
          TIME,
          DATA,
          RECEIVED,
          SERIES,
          VALUE,
          JOIN,
          R,
          S,
          DISTANCE,
          R_DELAY,
          S_DELAY,
          MAX_LATENCY,
          FINAL_AFTER,
          HEAP_SHARE,
          PORT);

  private static ConfigOption<String> text(String key) {
    return ConfigOptions.key(key).stringType().noDefaultValue();
  }

  private static ConfigOption<Duration> duration(String key) {
    return ConfigOptions.key(key).durationType().noDefaultValue();
  }

  static <T> T required(ReadableConfig options, ConfigOption<T> option) {
    return options.getOptional(option).orElseThrow(() -> wrong(option.key(), "is missing"));
  }

  static ValidationException wrong(String option, String what) {
    return new ValidationException("series-join: '" + option + "' " + what + ".");
  }

  private SeriesOptions() {}
}
