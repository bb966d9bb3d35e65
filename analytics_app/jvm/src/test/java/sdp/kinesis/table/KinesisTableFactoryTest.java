package sdp.kinesis.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.description.HtmlFormatter;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.CatalogTable;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.catalog.ObjectIdentifier;
import org.apache.flink.table.catalog.ResolvedCatalogTable;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sdp.kinesis.source.StartPosition;
import sdp.kinesis.source.StopPosition;
import sdp.kinesis.stream.StreamAddress;

/** The options of a table, right and wrong. */
class KinesisTableFactoryTest {
  private static final String ARN = "arn:aws:kinesis:eu-west-1:000000000000:stream/events";

  @Test
  void makesASourceAndASink() {
    assertEquals("Kinesis c.d.t", source(Map.of()).asSummaryString());
    assertEquals("Kinesis c.d.t", sink(Map.of(), List.of("k")).asSummaryString());
  }

  @Test
  void takesTheRegionFromTheArnUnlessItIsGiven() {
    assertEquals(new StreamAddress(ARN, "eu-west-1", null), options(Map.of()).address());
    var given = options(Map.of("aws.region", "us-east-2", "aws.endpoint", "http://127.0.0.1:1"));
    assertEquals(new StreamAddress(ARN, "us-east-2", "http://127.0.0.1:1"), given.address());
  }

  /**
   * A shard serves five reads and 2 MiB a second to all its readers; Firehose reads each second.
   */
  @Test
  void leavesRoomForFirehoseByDefault() {
    var reading = options(Map.of()).reading();
    assertTrue(1_000.0 / reading.interval().toMillis() + 1 < 5);
    assertTrue(reading.bytesPerSecond() < 2 << 20);
  }

  @Test
  void readsTimesInBothForms() {
    var iso =
        Map.of(
            "source.init.position",
            "AT_TIMESTAMP",
            "source.init.timestamp",
            "1970-01-01T01:00:01.5+01:00");
    var at = new StartPosition(StartPosition.Kind.AT_TIMESTAMP, 1_500);
    assertEquals(at, options(iso).start());
    var epoch = Map.of("source.stop.position", "AT_TIMESTAMP", "source.stop.timestamp", "1.5");
    assertEquals(StopPosition.at(1_500), options(epoch).stop());
  }

  @ParameterizedTest
  @CsvSource({
    "stream.arn, events",
    "aws.endpoint, localhost",
    "source.init.position, NEWEST",
    "source.init.timestamp, 2026-11-21T10:00:00Z",
    "source.stop.position, AT_TIMESTAMP",
    "source.shard.discovery.interval, 0 s",
    "source.shard.get-records.interval, -1 s",
    "source.shard.get-records.max-bytes-per-second, 0",
    "source.shard.get-records.max-record-count, 10001",
    "source.record.max-bytes, 0",
    "no.such.option, 1"
  })
  void refusesAWrongOptionOfASourceByName(String option, String value) {
    refuses(option, () -> source(Map.of(option, value)));
  }

  @ParameterizedTest
  @CsvSource({
    "sink.batch.max-size, 501",
    "sink.flush-buffer.size, 10485761",
    "sink.flush-buffer.timeout, 0",
    "sink.requests.max-inflight, 0",
    "sink.requests.max-buffered, -1",
    "sink.partitioner, MIXED"
  })
  void refusesAWrongOptionOfASinkByName(String option, String value) {
    refuses(option, () -> sink(Map.of(option, value), List.of()));
  }

  @Test
  void refusesATimeThatIsNone() {
    var options = Map.of("source.init.position", "AT_TIMESTAMP", "source.init.timestamp", "noon");
    refuses("source.init.timestamp", () -> source(options));
  }

  @Test
  void refusesAPartitionerBesidePartitionColumns() {
    refuses("sink.partitioner", () -> sink(Map.of("sink.partitioner", "FIXED"), List.of("k")));
  }

  @Test
  void refusesAKeyColumnThatHasNoText() {
    refuses("bytes", () -> sink(Map.of(), List.of("bytes")));
  }

  @Test
  void describesEveryOption() {
    for (ConfigOption<?> option : new KinesisTableFactory().optionalOptions()) {
      String text = new HtmlFormatter().format(option.description());
      assertFalse(text.isBlank(), option.key());
    }
  }

  private static void refuses(String name, Runnable table) {
    Throwable error = assertThrows(ValidationException.class, table::run);
    assertTrue(ExceptionUtils.stringifyException(error).contains(name));
  }

  private static CheckedOptions options(Map<String, String> options) {
    return CheckedOptions.of(Configuration.fromMap(all(options)));
  }

  private static Map<String, String> all(Map<String, String> options) {
    Map<String, String> all = new HashMap<>();
    all.put("connector", "kinesis");
    all.put("format", "json");
    all.put("stream.arn", ARN);
    all.putAll(options);
    return all;
  }

  private static DynamicTableSource source(Map<String, String> options) {
    return FactoryUtil.createDynamicTableSource(
        null,
        identifier(),
        table(options, List.of()),
        Map.of(),
        new Configuration(),
        KinesisTableFactoryTest.class.getClassLoader(),
        false);
  }

  private static DynamicTableSink sink(Map<String, String> options, List<String> keys) {
    return FactoryUtil.createDynamicTableSink(
        null,
        identifier(),
        table(options, keys),
        Map.of(),
        new Configuration(),
        KinesisTableFactoryTest.class.getClassLoader(),
        false);
  }

  private static ObjectIdentifier identifier() {
    return ObjectIdentifier.of("c", "d", "t");
  }

  private static ResolvedCatalogTable table(Map<String, String> options, List<String> keys) {
    ResolvedSchema schema =
        ResolvedSchema.of(
            Column.physical("k", DataTypes.STRING()), Column.physical("bytes", DataTypes.BYTES()));
    CatalogTable table =
        CatalogTable.newBuilder()
            .schema(Schema.newBuilder().fromResolvedSchema(schema).build())
            .partitionKeys(keys)
            .options(all(options))
            .build();
    return new ResolvedCatalogTable(table, schema);
  }
}
