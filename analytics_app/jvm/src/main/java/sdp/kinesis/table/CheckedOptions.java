package sdp.kinesis.table;

import java.math.BigDecimal;
import java.net.URI;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.connector.base.table.AsyncSinkConnectorOptions;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.ObjectIdentifier;
import sdp.kinesis.sink.WriteOptions;
import sdp.kinesis.source.ReadOptions;
import sdp.kinesis.source.StartPosition;
import sdp.kinesis.source.StopPosition;
import sdp.kinesis.stream.AwsKinesisStream;
import sdp.kinesis.stream.StreamAddress;
import sdp.kinesis.stream.StreamOpener;

/** Reads a table's options, and refuses a value that cannot be, naming option and value. */
record CheckedOptions(ReadableConfig options) {
  private static final Pattern ARN =
      Pattern.compile("arn:aws[a-z-]*:kinesis:([a-z0-9-]+):\\d{12}:stream/[a-zA-Z0-9_.-]+");
  private static final long MAX_BATCH_BYTES = 10L * 1024 * 1024;

  static CheckedOptions of(ReadableConfig options) {
    return new CheckedOptions(options);
  }

  SourceSettings sourceSettings(ObjectIdentifier table) {
    return new SourceSettings(
        table.asSummaryString(),
        stream(),
        start(),
        positive(KinesisOptions.DISCOVERY_INTERVAL),
        reading(),
        between(KinesisOptions.MAX_RECORD_BYTES, 1, Integer.MAX_VALUE));
  }

  StreamOpener stream() {
    StreamAddress address = address();
    return () -> AwsKinesisStream.open(address);
  }

  StreamAddress address() {
    String arn = options.get(KinesisOptions.STREAM_ARN);
    Matcher parts = ARN.matcher(arn);
    if (!parts.matches()) {
      throw wrong(KinesisOptions.STREAM_ARN, arn, "the ARN of a Kinesis stream");
    }
    String region = options.getOptional(KinesisOptions.REGION).orElse(parts.group(1));
    return new StreamAddress(arn, region, endpoint());
  }

  /** An endpoint in the environment is looked up later, on the machine that opens the stream. */
  private String endpoint() {
    String endpoint = options.getOptional(KinesisOptions.ENDPOINT).orElse(null);
    if (endpoint != null && !isUrl(endpoint)) {
      throw wrong(KinesisOptions.ENDPOINT, endpoint, "an http or https URL");
    }
    return endpoint;
  }

  private static boolean isUrl(String text) {
    try {
      URI uri = URI.create(text);
      return uri.getHost() != null && uri.getScheme().matches("https?");
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  StartPosition start() {
    StartPosition.Kind kind = options.get(KinesisOptions.START);
    boolean timed = kind == StartPosition.Kind.AT_TIMESTAMP;
    long millis = timestamp(KinesisOptions.START_TIMESTAMP, KinesisOptions.START, timed);
    return new StartPosition(kind, millis);
  }

  ReadOptions reading() {
    int limit = between(KinesisOptions.READ_LIMIT, 1, 10_000);
    long rate = between(KinesisOptions.READ_RATE, 1L, Long.MAX_VALUE);
    return new ReadOptions(limit, positive(KinesisOptions.READ_INTERVAL), rate, stop());
  }

  StopPosition stop() {
    StopPosition.Kind kind = options.get(KinesisOptions.STOP);
    boolean timed = kind == StopPosition.Kind.AT_TIMESTAMP;
    long millis = timestamp(KinesisOptions.STOP_TIMESTAMP, KinesisOptions.STOP, timed);
    return switch (kind) {
      case NONE -> StopPosition.NONE;
      case LATEST -> StopPosition.LATEST;
      case AT_TIMESTAMP -> StopPosition.at(millis);
    };
  }

  WriteOptions writing() {
    return new WriteOptions(
        between(AsyncSinkConnectorOptions.MAX_BATCH_SIZE, 1, 500, 500),
        between(AsyncSinkConnectorOptions.FLUSH_BUFFER_SIZE, 1L, MAX_BATCH_BYTES, 5L << 20),
        between(AsyncSinkConnectorOptions.MAX_IN_FLIGHT_REQUESTS, 1, Integer.MAX_VALUE, 50),
        between(AsyncSinkConnectorOptions.MAX_BUFFERED_REQUESTS, 1, Integer.MAX_VALUE, 10_000),
        between(AsyncSinkConnectorOptions.FLUSH_BUFFER_TIMEOUT, 1L, Long.MAX_VALUE, 5_000L));
  }

  /** Epoch milliseconds; the option must be there if and only if its position asks for it. */
  private long timestamp(ConfigOption<String> option, ConfigOption<?> position, boolean timed) {
    String text = options.getOptional(option).orElse(null);
    if (timed != (text != null)) {
      String rule = "'%s' is needed with '%s' = 'AT_TIMESTAMP', and only then.";
      throw new ValidationException(String.format(rule, option.key(), position.key()));
    }
    return text == null ? 0 : parse(option, text);
  }

  private static long parse(ConfigOption<String> option, String text) {
    try {
      return text.contains("T")
          ? OffsetDateTime.parse(text).toInstant().toEpochMilli()
          : new BigDecimal(text).movePointRight(3).longValueExact();
    } catch (DateTimeParseException | ArithmeticException | NumberFormatException e) {
      throw wrong(option, text, "an ISO 8601 time with an offset, or epoch seconds");
    }
  }

  private Duration positive(ConfigOption<Duration> option) {
    Duration value = options.get(option);
    if (value.isNegative() || value.toMillis() == 0) {
      throw wrong(option, value, "at least 1 ms");
    }
    return value;
  }

  private <N extends Comparable<N>> N between(ConfigOption<N> option, N least, N most) {
    return between(option, least, most, option.defaultValue());
  }

  private <N extends Comparable<N>> N between(
      ConfigOption<N> option, N least, N most, N otherwise) {
    N value = options.getOptional(option).orElse(otherwise);
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw wrong(option, value, String.format("%s to %s", least, most));
    }
    return value;
  }

  private static ValidationException wrong(ConfigOption<?> option, Object value, String expected) {
    return new ValidationException(
        String.format("'%s' must be %s, but is '%s'.", option.key(), expected, value));
  }
}
