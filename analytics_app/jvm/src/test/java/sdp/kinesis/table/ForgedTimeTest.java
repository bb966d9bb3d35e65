package sdp.kinesis.table;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import sdp.kinesis.stream.KinesisServer;

/** Event time that a table bounds by its records' arrival, which is metadata. */
@Timeout(900)
class ForgedTimeTest {
  private static final String HONEST = "{\"occurred_at\":\"1970-01-01T00:16:40Z\"}";
  private static final String FORGED = "{\"occurred_at\":\"2999-01-01T00:00:00Z\"}";
  private static final String TABLE =
      """
      CREATE TABLE events (
        occurred_at TIMESTAMP_LTZ(3),
        arrived_at TIMESTAMP_LTZ(3) METADATA FROM 'arrival-timestamp' VIRTUAL,
        event_time AS CASE WHEN occurred_at > arrived_at + INTERVAL '5' MINUTE
          THEN TO_TIMESTAMP_LTZ(0, 3) ELSE occurred_at END,
        WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
      ) WITH (
        'connector' = 'kinesis', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601',
        'source.init.position' = 'TRIM_HORIZON', 'stream.arn' = '%s', 'aws.endpoint' = '%s')
      """;

  @Test
  void aRecordDatedAfterItsArrivalMovesNoWatermark() throws Exception {
    var writer = Executors.newSingleThreadScheduledExecutor();
    try (KinesisServer server = KinesisServer.start(1)) {
      server.clock = () -> 1_000_000;
      server.put("key", FORGED);
      writer.scheduleAtFixedRate(() -> server.put("key", HONEST), 0, 50, TimeUnit.MILLISECONDS);
      assertEquals("1970-01-01T00:16:35Z", firstWatermark(server));
    } finally {
      writer.shutdownNow();
    }
  }

  private static String firstWatermark(KinesisServer server) throws Exception {
    var streams = StreamExecutionEnvironment.getExecutionEnvironment();
    streams.setParallelism(1);
    StreamTableEnvironment tables = StreamTableEnvironment.create(streams);
    tables.executeSql(String.format(TABLE, server.address().arn(), server.address().endpoint()));
    String query = "SELECT CURRENT_WATERMARK(event_time) FROM events";
    try (var rows = tables.executeSql(query).collect()) {
      Row row = rows.next();
      while (row.getField(0) == null || isBeforeAll(row)) {
        row = rows.next();
      }
      return row.getField(0).toString();
    }
  }

  /** The watermark of the forged record alone. */
  private static boolean isBeforeAll(Row row) {
    return row.getField(0).toString().startsWith("1969");
  }
}
