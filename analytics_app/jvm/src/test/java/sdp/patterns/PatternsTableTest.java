package sdp.patterns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.ArrayList;
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

/** The patterns as tables, planned and run by Flink itself. */
class PatternsTableTest {
  private static final String COLUMNS =
      "event_id STRING, who STRING, occurred_at TIMESTAMP_LTZ(3), amount DOUBLE, opening DOUBLE,"
          + " page STRING";
  private static final String OPTIONS =
      "'connector' = 'patterns', 'name' = 'test', 'key' = 'who', 'id' = 'event_id',"
          + " 'time' = 'occurred_at', 'amount' = 'amount', 'level' = 'opening', 'step' = 'page', 'carry' = 'page',"
          + " 'steps' = 'one,two,three', 'kinds' = 'low,stuck,far',"
          + " 'low.pattern' = 'count-in-window', 'low.window' = '75 min', 'low.count' = '5',"
          + " 'low.below' = '200',"
          + " 'stuck.pattern' = 'missing-step', 'stuck.timeout' = '30 min',"
          + " 'far.pattern' = 'anomaly', 'far.half-life' = '7 d'";
  private static final String REFUSED = "CONCAT_WS('|', event_id, who, outcome, detail)";
  private static final String FOUND =
      "CONCAT_WS('|', kind, subject, CAST(occurred_at AS STRING), event_id, JSON_STRING(causes),"
          + " CAST(`count` AS STRING), CAST(balance AS STRING), CAST(deviation AS STRING), carried)";

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
  void whatIsFoundAndWhatIsRefusedAreTwoPorts() throws Exception {
    List<Row> events = new ArrayList<>();
    for (int number = 4; number >= 0; number--) {
      events.add(event("a" + number, "a", number, 10.0, null, null));
    }
    events.add(event("a3", "a", 3, 10.0, null, null));
    events.add(event("opening", "a", -1, null, 200.0, null));
    events.add(event("p2", "s", 2_000, null, null, "two"));
    events.add(event("p1", "s", 1_000, null, null, "one"));
    events.add(event("other", "s", 1_500, null, null, "none of them"));
    events.add(event("keyless", null, 1_000, 5.0, null, null));
    input(events);
    assertEquals(
        List.of(
            "a3|a|duplicate|an event with this event_id was there before",
            "keyless|refused|it has no who",
            "low|a|1970-01-01 00:00:00.004|a4|[\"a0\",\"a1\",\"a2\",\"a3\",\"a4\"]|5|150.0",
            "stuck|s|1970-01-01 00:30:01.000|p1|[\"p1\",\"p2\"]|two"),
        lines());
  }

  @Test
  void aWrongOptionIsRefusedByItsName() {
    input(List.of(event("a", "a", 1, 10.0, null, null)));
    Map.of(
            "'key' = 'who'", "'key' = 'amount'",
            "'id' = 'event_id'", "'id' = 'nothing'",
            "'amount' = 'amount'", "'amount' = 'who'",
            "'carry' = 'page'", "'carry' = 'amount'",
            "'steps' = 'one,two,three'", "'steps' = 'one'",
            "'kinds' = 'low,stuck,far'", "'kinds' = 'low,stuck,far,low'",
            "'low.count' = '5'", "'low.count' = 'many'",
            "'low.window' = '75 min'", "'low.window' = '75 years'",
            "'far.pattern' = 'anomaly'", "'far.pattern' = 'odd'",
            "'far.half-life' = '7 d'", "'far.half-life' = '7 d', 'far.half' = '7 d'")
        .forEach(
            (part, wrong) -> {
              String options = OPTIONS.replace(part, wrong);
              Exception refused =
                  assertThrows(ValidationException.class, () -> insert(options).explain());
              String message = ExceptionUtils.stringifyException(refused);
              String option = wrong.contains("half'") ? "'far.half'" : part.split(" ")[0];
              assertTrue(message.contains("patterns: " + option), message);
            });
  }

  @Test
  void aMissingOptionIsNamed() {
    input(List.of(event("a", "a", 1, 10.0, null, null)));
    String without = OPTIONS.replace(" 'low.below' = '200',", "");
    Exception refused = assertThrows(ValidationException.class, () -> insert(without).explain());
    assertTrue(
        ExceptionUtils.stringifyException(refused).contains("patterns: 'low.below' is missing."));
  }

  private StatementSet insert(String options) {
    tables.executeSql("DROP TEMPORARY TABLE IF EXISTS written");
    tables.executeSql("CREATE TEMPORARY TABLE written (" + COLUMNS + ") WITH (" + options + ")");
    return tables.createStatementSet().addInsertSql("INSERT INTO written SELECT * FROM events");
  }

  private List<String> lines() throws Exception {
    StatementSet set = insert(OPTIONS);
    port(
        "found",
        "kind STRING, subject STRING, occurred_at TIMESTAMP_LTZ(3), event_id STRING,"
            + " causes ARRAY<STRING>, `count` BIGINT, balance DOUBLE, deviation DOUBLE,"
            + " carried STRING");
    port("refused", COLUMNS + ", outcome STRING, detail STRING");
    tables.executeSql(
        "CREATE TEMPORARY TABLE collected (line STRING) WITH ('connector' = 'collected')");
    set.addInsertSql("INSERT INTO collected SELECT " + FOUND + " FROM `found`");
    set.addInsertSql("INSERT INTO collected SELECT " + REFUSED + " FROM `refused`");
    CollectedTableFactory.LINES.clear();
    set.execute().await();
    return CollectedTableFactory.LINES.stream().sorted().toList();
  }

  private void port(String name, String columns) {
    tables.executeSql(
        "CREATE TEMPORARY TABLE `%s` (%s) WITH ('connector' = 'patterns', 'name' = 'test', 'port' = '%s')"
            .formatted(name, columns, name));
  }

  private static Row event(
      String id, String who, long time, Double amount, Double opening, String page) {
    return Row.of(id, who, Instant.ofEpochMilli(time), amount, opening, page);
  }

  private void input(List<Row> events) {
    var type =
        Types.ROW_NAMED(
            new String[] {"event_id", "who", "occurred_at", "amount", "opening", "page"},
            Types.STRING,
            Types.STRING,
            Types.INSTANT,
            Types.DOUBLE,
            Types.DOUBLE,
            Types.STRING);
    Schema schema =
        Schema.newBuilder()
            .column("event_id", DataTypes.STRING())
            .column("who", DataTypes.STRING())
            .column("occurred_at", DataTypes.TIMESTAMP_LTZ(3))
            .column("amount", DataTypes.DOUBLE())
            .column("opening", DataTypes.DOUBLE())
            .column("page", DataTypes.STRING())
            .watermark("occurred_at", "occurred_at - INTERVAL '5' SECOND")
            .build();
    tables.createTemporaryView(
        "events",
        tables.fromDataStream(streams.fromData(type, events.toArray(Row[]::new)), schema));
  }
}
