package sdp.decisions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sdp.correlate.CollectedTableFactory;
import sdp.scores.Artifact;
import sdp.scores.OnnxModel;

/** The operator between tables of a SQL job, with a model and its versions in files. */
class ScoringTableTest {
  private static final String COLUMNS =
      "tx_id STRING, campaign_item_id BIGINT, domain STRING, creative_id STRING,"
          + " creative_category STRING, bid_price BIGINT, bid_at TIMESTAMP_LTZ(3)";
  private static final String OPTIONS =
      "'connector' = 'scores', 'name' = 'test', 'time' = 'bid_at', 'definitions.file' = '%s'";

  @TempDir private Path folder;
  private StreamTableEnvironment tables;

  @BeforeEach
  void input() {
    var streams = StreamExecutionEnvironment.getExecutionEnvironment();
    streams.setParallelism(2);
    tables = StreamTableEnvironment.create(streams);
    tables.getConfig().set("table.local-time-zone", "UTC");
    var type =
        Types.ROW_NAMED(
            new String[] {"tx_id", "bid_price", "bid_at"}, Types.STRING, Types.LONG, Types.INSTANT);
    Schema schema =
        Schema.newBuilder()
            .column("tx_id", DataTypes.STRING())
            .column("bid_price", DataTypes.BIGINT())
            .column("bid_at", DataTypes.TIMESTAMP_LTZ(3))
            .watermark("bid_at", "bid_at - INTERVAL '5' SECOND")
            .build();
    Row[] rows = {
      Row.of("before", 500L, Instant.ofEpochMilli(1_999)),
      Row.of("after", 500L, Instant.ofEpochMilli(2_000)),
      Row.of("unpriced", null, Instant.ofEpochMilli(2_000))
    };
    tables.createTemporaryView("bids", tables.fromDataStream(streams.fromData(type, rows), schema));
  }

  private String options() {
    return OPTIONS.formatted(folder.resolve("definitions.ndjson").toUri());
  }

  private void promote() throws Exception {
    byte[] graph = OnnxModel.class.getResourceAsStream("win.onnx").readAllBytes();
    Path file = Files.write(folder.resolve("win.onnx"), graph);
    var body = Definition.Json.MAPPER.createObjectNode();
    body.put("model_version", "m1").put("uri", file.toUri().toString());
    body.put("fingerprint", Artifact.fingerprint(graph));
    var line = Definition.Json.MAPPER.createObjectNode();
    line.put("kind", "model").put("name", "win").put("version", 1).put("valid_from", 2_000);
    line.set("body", body);
    Files.writeString(folder.resolve("definitions.ndjson"), line.toString());
  }

  private List<String> lines() throws Exception {
    tables.executeSql("CREATE TEMPORARY TABLE scoring (" + COLUMNS + ") WITH (" + options() + ")");
    tables.executeSql(
        "CREATE TEMPORARY TABLE scored (tx_id STRING, score DOUBLE, model_version STRING) WITH ("
            + "'connector' = 'scores', 'name' = 'test', 'port' = 'scored')");
    tables.executeSql(
        "CREATE TEMPORARY TABLE collected (line STRING) WITH ('connector' = 'collected')");
    CollectedTableFactory.LINES.clear();
    tables
        .createStatementSet()
        .addInsertSql(
            "INSERT INTO scoring SELECT tx_id, CAST(7 AS BIGINT), 'goal.example',"
                + " CAST(NULL AS STRING), CAST(NULL AS STRING), bid_price, bid_at FROM bids")
        .addInsertSql(
            "INSERT INTO collected SELECT CONCAT_WS('|', tx_id, COALESCE(model_version, '-'),"
                + " CASE WHEN score IS NULL THEN '-' WHEN score > 0 AND score < 1 THEN 'scored'"
                + " ELSE 'wrong' END) FROM scored")
        .execute()
        .await();
    return CollectedTableFactory.LINES.stream().sorted().toList();
  }

  @Test
  void rowsHaveTheScoreOfTheModelInForceAtTheirTime() throws Exception {
    promote();
    assertEquals(List.of("after|m1|scored", "before|-|-", "unpriced|-|-"), lines());
  }

  @Test
  void withoutVersionsThereIsNoScore() throws Exception {
    assertEquals(List.of("after|-|-", "before|-|-", "unpriced|-|-"), lines());
  }

  @Test
  void aWrongOptionIsRefusedByItsName() {
    Map.of(
            "'time' = 'bid_at'", "'time' = 'tx_id'",
            "'definitions.file'", "'definitions.table'",
            "'time'", "'port' = 'scored', 'definitions.table' = 't', 'time'")
        .forEach(
            (part, wrong) -> {
              String message = refused(options().replace(part, wrong), COLUMNS);
              assertTrue(message.contains("scores: '"), message);
            });
    assertTrue(refused(options(), COLUMNS + ", score DOUBLE").contains("has a column 'score'"));
  }

  private String refused(String options, String columns) {
    tables.executeSql("DROP TEMPORARY TABLE IF EXISTS wrong");
    tables.executeSql("CREATE TEMPORARY TABLE wrong (" + columns + ") WITH (" + options + ")");
    String names = columns.replaceAll(" (STRING|BIGINT|DOUBLE|TIMESTAMP_LTZ\\(3\\))", "");
    tables.executeSql("CREATE TEMPORARY VIEW IF NOT EXISTS nothing AS SELECT * FROM bids");
    String nulls =
        columns.replaceAll(
            "(\\w+) (STRING|BIGINT|DOUBLE|TIMESTAMP_LTZ\\(3\\))", "CAST(NULL AS $2)");
    Exception refused =
        assertThrows(
            ValidationException.class,
            () ->
                tables.explainSql(
                    "INSERT INTO wrong (" + names + ") SELECT " + nulls + " FROM bids"));
    return ExceptionUtils.stringifyException(refused);
  }
}
