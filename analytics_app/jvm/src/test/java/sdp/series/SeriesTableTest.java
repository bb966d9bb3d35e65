package sdp.series;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import sdp.correlate.CollectedTableFactory;

/** The join as tables, planned and run by Flink itself. */
class SeriesTableTest {
  private static final String COLUMNS =
      "event_id STRING, tank STRING, occurred_at TIMESTAMP_LTZ(3), sensor STRING, level DOUBLE";
  private static final String OPTIONS =
      "'connector' = 'series-join', 'name' = 'test', 'key' = 'tank', 'id' = 'event_id',"
          + " 'time' = 'occurred_at', 'series' = 'sensor', 'value' = 'level',"
          + " 'join' = 'height', 'r' = 'upper', 's' = 'lower', 'distance' = '1 s', 'r.delay' = '5 s', 's.delay' = '5 s',"
          + " 'max-latency' = '30 s', 'final-after' = '10 min'";

  private StreamTableEnvironment tables;
  private StreamExecutionEnvironment streams;

  @BeforeEach
  void environment() {
    streams = StreamExecutionEnvironment.getExecutionEnvironment();
    streams.setParallelism(2);
    tables = StreamTableEnvironment.create(streams);
    tables.getConfig().set("table.local-time-zone", "UTC");
  }

  @Test
  void pairsTheirDurationsAndWhatIsRefusedAreThreePorts() throws Exception {
    input(
        event("r1", "a", 1, "upper", 1.5),
        event("s4", "a", 4, "lower", -4.0),
        event("other", "a", 2, "none of them", 9.0),
        event("s2", "a", 2, "lower", -2.5),
        event("s2", "a", 2, "lower", -2.5),
        event("r3", "a", 3, "upper", 3.0),
        event("far", "a", 1_005, "upper", 0.0),
        event("keyless", null, 3, "lower", 0.0));
    assertEquals(
        List.of(
            "a|upper|1970-01-01 00:00:00.001|1.5|lower|1970-01-01 00:00:00.002|-2.5|001|final|height|0",
            "a|upper|1970-01-01 00:00:00.003|3.0|lower|1970-01-01 00:00:00.002|-2.5|002|final|height|0",
            "a|upper|1970-01-01 00:00:00.003|3.0|lower|1970-01-01 00:00:00.004|-4.0|003|final|height|0",
            "keyless|refused|it has no tank",
            "lasted|a|001|1.5|002|-2.5|001|1|height",
            "lasted|a|003|3.0|002|-2.5|002|1|height",
            "lasted|a|003|3.0|004|-4.0|003|1000|height",
            "s2|a|duplicate|another sample of this series has the same time; the one with the"
                + " least value counts"),
        lines());
  }

  @Test
  void aWrongOptionIsRefusedByItsName() {
    input(event("a", "a", 1, "upper", 10.0));
    Map.of(
            "'key' = 'tank'", "'key' = 'level'",
            "'id' = 'event_id'", "'id' = 'nothing'",
            "'join' = 'height'", "'join' = ''",
            "'value' = 'level'", "'value' = 'tank'",
            "'s' = 'lower'", "'s' = 'upper'",
            "'distance' = '1 s'", "'distance' = '31 d'",
            "'final-after' = '10 min'", "'final-after' = '4 s'")
        .forEach(
            (part, wrong) -> {
              String message = refusal(OPTIONS.replace(part, wrong));
              assertTrue(message.contains("series-join: " + part.split(" ")[0]), message);
            });
  }

  @Test
  void aMissingOptionIsNamed() {
    input(event("a", "a", 1, "upper", 10.0));
    String message = refusal(OPTIONS.replace(" 'distance' = '1 s',", ""));
    assertTrue(message.contains("series-join: 'distance' is missing."), message);
  }

  private String refusal(String options) {
    Exception refused =
        assertThrows(ValidationException.class, () -> insert(options).explain(), options);
    return ExceptionUtils.stringifyException(refused);
  }

  private StatementSet insert(String options) {
    tables.executeSql("DROP TEMPORARY TABLE IF EXISTS written");
    tables.executeSql("CREATE TEMPORARY TABLE written (" + COLUMNS + ") WITH (" + options + ")");
    return tables.createStatementSet().addInsertSql("INSERT INTO written SELECT * FROM events");
  }

  private List<String> lines() throws Exception {
    StatementSet set = insert(OPTIONS);
    port(
        "pairs",
        "subject STRING, r_series STRING, r_time TIMESTAMP_LTZ(3), r_value DOUBLE,"
            + " s_series STRING, s_time TIMESTAMP_LTZ(3), s_value DOUBLE,"
            + " mean_time TIMESTAMP_LTZ(3), status STRING, join_name STRING, join_version BIGINT");
    port(
        "durations",
        "subject STRING, r_time TIMESTAMP_LTZ(3), r_value DOUBLE, s_time TIMESTAMP_LTZ(3),"
            + " s_value DOUBLE, mean_time TIMESTAMP_LTZ(3), lasting BIGINT, join_name STRING");
    port("refused", COLUMNS + ", outcome STRING, detail STRING");
    tables.executeSql(
        "CREATE TEMPORARY TABLE collected (line STRING) WITH ('connector' = 'collected')");
    set.addInsertSql(
        "INSERT INTO collected SELECT CONCAT_WS('|', subject, r_series, CAST(r_time AS STRING),"
            + " CAST(r_value AS STRING), s_series, CAST(s_time AS STRING), CAST(s_value AS STRING),"
            + " DATE_FORMAT(mean_time, 'SSS'), status, join_name, CAST(join_version AS STRING)) FROM `pairs`");
    set.addInsertSql(
        "INSERT INTO collected SELECT CONCAT_WS('|', 'lasted', subject,"
            + " DATE_FORMAT(r_time, 'SSS'), CAST(r_value AS STRING),"
            + " DATE_FORMAT(s_time, 'SSS'), CAST(s_value AS STRING),"
            + " DATE_FORMAT(mean_time, 'SSS'), CAST(lasting AS STRING), join_name) FROM `durations`");
    set.addInsertSql(
        "INSERT INTO collected SELECT CONCAT_WS('|', event_id, tank, outcome, detail)"
            + " FROM `refused`");
    CollectedTableFactory.LINES.clear();
    set.execute().await();
    return CollectedTableFactory.LINES.stream().sorted().toList();
  }

  private void port(String name, String columns) {
    tables.executeSql(
        "CREATE TEMPORARY TABLE `%s` (%s) WITH ('connector' = 'series-join', 'name' = 'test', 'port' = '%s')"
            .formatted(name, columns, name));
  }

  private static Row event(String id, String tank, long time, String sensor, Double level) {
    return Row.of(id, tank, Instant.ofEpochMilli(time), sensor, level);
  }

  private void input(Row... events) {
    var type =
        Types.ROW_NAMED(
            new String[] {"event_id", "tank", "occurred_at", "sensor", "level"},
            Types.STRING,
            Types.STRING,
            Types.INSTANT,
            Types.STRING,
            Types.DOUBLE);
    Schema schema =
        Schema.newBuilder()
            .column("event_id", DataTypes.STRING())
            .column("tank", DataTypes.STRING())
            .column("occurred_at", DataTypes.TIMESTAMP_LTZ(3))
            .column("sensor", DataTypes.STRING())
            .column("level", DataTypes.DOUBLE())
            .watermark("occurred_at", "occurred_at - INTERVAL '5' SECOND")
            .build();
    tables.createTemporaryView(
        "events", tables.fromDataStream(streams.fromData(type, events), schema));
  }
}
