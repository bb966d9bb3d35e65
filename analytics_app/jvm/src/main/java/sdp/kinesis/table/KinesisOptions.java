package sdp.kinesis.table;

import java.time.Duration;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import sdp.kinesis.source.StartPosition;
import sdp.kinesis.source.StopPosition;

/** The options of the {@code kinesis} connector, as they stand in a table's WITH clause. */
public final class KinesisOptions {
  /** The stream. */
  public static final ConfigOption<String> STREAM_ARN =
      ConfigOptions.key("stream.arn")
          .stringType()
          .noDefaultValue()
          .withDescription("The ARN of the stream that is read or written.");

  /** The region. */
  public static final ConfigOption<String> REGION =
      ConfigOptions.key("aws.region")
          .stringType()
          .noDefaultValue()
          .withDescription("The AWS region; by default the one that the ARN names.");

  /** The endpoint. */
  public static final ConfigOption<String> ENDPOINT =
      ConfigOptions.key("aws.endpoint")
          .stringType()
          .noDefaultValue()
          .withDescription(
              "URL of another endpoint; by default the environment's AWS_ENDPOINT_URL, and"
                  + " without that the region's own.");

  /** Where reading starts. */
  public static final ConfigOption<StartPosition.Kind> START =
      ConfigOptions.key("source.init.position")
          .enumType(StartPosition.Kind.class)
          .defaultValue(StartPosition.Kind.LATEST)
          .withDescription(
              "Where reading starts without a checkpoint: TRIM_HORIZON, LATEST or AT_TIMESTAMP.");

  /** The time at which reading starts. */
  public static final ConfigOption<String> START_TIMESTAMP =
      ConfigOptions.key("source.init.timestamp")
          .stringType()
          .noDefaultValue()
          .withDescription(
              "For AT_TIMESTAMP: the time of arrival to start at, as ISO 8601 with an offset"
                  + " (2026-11-21T10:00:00Z) or as epoch seconds (1795255200.5).");

  /** Where reading stops. */
  public static final ConfigOption<StopPosition.Kind> STOP =
      ConfigOptions.key("source.stop.position")
          .enumType(StopPosition.Kind.class)
          .defaultValue(StopPosition.Kind.NONE)
          .withDescription(
              "Where reading stops: NONE (never), LATEST (once all is read that is there) or"
                  + " AT_TIMESTAMP. A table that stops is bounded.");

  /** The time at which reading stops. */
  public static final ConfigOption<String> STOP_TIMESTAMP =
      ConfigOptions.key("source.stop.timestamp")
          .stringType()
          .noDefaultValue()
          .withDescription(
              "For AT_TIMESTAMP: records that arrived at this time or later are not read; written"
                  + " like source.init.timestamp.");

  /** How often shards are listed. */
  public static final ConfigOption<Duration> DISCOVERY_INTERVAL =
      ConfigOptions.key("source.shard.discovery.interval")
          .durationType()
          .defaultValue(Duration.ofSeconds(10))
          .withDescription("How often the shards of the stream are listed.");

  /** How often a shard is read. */
  public static final ConfigOption<Duration> READ_INTERVAL =
      ConfigOptions.key("source.shard.get-records.interval")
          .durationType()
          .defaultValue(Duration.ofMillis(300))
          .withDescription(
              "Least time between two reads of one shard. Kinesis allows five reads a second of all"
                  + " readers together; the default leaves one to Firehose, and some room.");

  /** How fast a shard is read. */
  public static final ConfigOption<Long> READ_RATE =
      ConfigOptions.key("source.shard.get-records.max-bytes-per-second")
          .longType()
          .defaultValue(3L << 19)
          .withDescription(
              "Bytes read of one shard in a second at most. Kinesis serves 2 MiB a second to all"
                  + " readers together and none for five seconds after a read of 10 MiB; the"
                  + " default of 1.5 MiB leaves the rest to Firehose.");

  /** How much one read brings. */
  public static final ConfigOption<Integer> READ_LIMIT =
      ConfigOptions.key("source.shard.get-records.max-record-count")
          .intType()
          .defaultValue(10_000)
          .withDescription("Records in one read of a shard, 1 to 10000.");

  /** The largest record that is decoded. */
  public static final ConfigOption<Integer> MAX_RECORD_BYTES =
      ConfigOptions.key("source.record.max-bytes")
          .intType()
          .defaultValue(Integer.MAX_VALUE)
          .withDescription(
              "A record with more bytes is not decoded: it is a row of nulls and its metadata.");

  /** How records are spread. */
  public static final ConfigOption<Partitioner> PARTITIONER =
      ConfigOptions.key("sink.partitioner")
          .enumType(Partitioner.class)
          .defaultValue(Partitioner.RANDOM)
          .withDescription(
              "The partition key of a table without PARTITIONED BY: RANDOM (one for each record)"
                  + " or FIXED (one for each parallel sink).");

  /** What separates the parts of a partition key. */
  public static final ConfigOption<String> PARTITION_DELIMITER =
      ConfigOptions.key("sink.partitioner-field-delimiter")
          .stringType()
          .defaultValue("|")
          .withDescription("Stands between the columns of PARTITIONED BY in the partition key.");

  /** How a table without PARTITIONED BY is spread over the shards. */
  public enum Partitioner {
    RANDOM,
    FIXED
  }

  private KinesisOptions() {}
}
