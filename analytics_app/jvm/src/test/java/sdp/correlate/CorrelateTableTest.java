package sdp.correlate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.ExplainDetail;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The correlation as tables, planned and run by Flink itself. */
class CorrelateTableTest {
  private static final String COLUMNS =
      "`type` STRING, tx_id STRING, event_id STRING, occurred_at TIMESTAMP_LTZ(3), price BIGINT,"
          + " domain STRING";
  private static final String CHECKS =
      """
      * type missing - is missing
      * type unknown - is not one of the types
      * event_id max-length 12 is longer than 12
      imp price required - is required
      imp price min 0 is less than 0\
      """;
  private static final String OPTIONS =
      "'connector' = 'correlate', 'name' = 'test', 'key' = 'tx_id', 'stage' = 'type',"
          + " 'stages' = 'bid,imp,click', 'labels' = 'imp=impression', 'ignored' = 'heartbeat', 'time' = 'occurred_at',"
          + " 'own' = 'event_id,occurred_at', 'renamed' = 'bid.price=bid_price',"
          + " 'window' = '60 s', 'lateness' = '60 s', 'checks' = '"
          + CHECKS
          + "'";
  private static final String COUNTS =
      ", 'count.by' = 'price', 'count.sum' = 'imp.price', 'count.period' = '60 s'";

  private String checks = CHECKS;
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
  void fillsFromEarlierStagesButNotOwnColumns() throws Exception {
    input(
        event("click", "a", 3000, null),
        event("bid", "a", 1000, 7L),
        event("imp", "a", 2000, 5L),
        event("imp", "a", 2000, 5L),
        event("heartbeat", null, 2000, null));
    assertEquals(
        List.of(
            "bid|a|bid-a|null|7|d|1970-01-01 00:00:01.000|null|null",
            "click|a|click-a|5|7|d|1970-01-01 00:00:01.000|1970-01-01 00:00:02.000|1970-01-01"
                + " 00:00:03.000",
            "imp|a|imp-a|5|7|d|1970-01-01 00:00:01.000|1970-01-01 00:00:02.000|null"),
        rows(
            "matched",
            "`type`, tx_id, event_id, price, bid_price, domain, bid_at, imp_at, click_at"));
  }

  @Test
  void aStageHasAPortOfItsOwnWhoseColumnsAreFoundByName() throws Exception {
    input(event("bid", "a", 1000, 7L), event("imp", "a", 2000, 5L));
    assertEquals(List.of("d|7|imp-a"), rows("matched:imp", "domain, bid_price, event_id"));
  }

  @Test
  void aClosedKeyIsOneRowWithoutOwnColumns() throws Exception {
    input(event("bid", "a", 1000, 7L), event("imp", "a", 2000, 5L));
    assertEquals(
        List.of("null|a|7|5|1970-01-01 00:00:02.000|null"),
        rows("closed", "event_id, tx_id, bid_price, price, imp_at, click_at"));
  }

  @Test
  void whatIsRefusedComesAsItCameWithTheReason() throws Exception {
    input(
        event("bid", null, 1000, 7L),
        event("imp", "b", 2000, 5L),
        event("imp", "b", 2000, 5L),
        event("imp", "c", 2000, null),
        event("imp", "d", 2000, -1L),
        event("other", "e", 2000, 1L),
        event(null, "f", 2000, 1L),
        event("bid", "much too long", 2000, 1L));
    assertEquals(
        List.of(
            "bid-much too long|malformed|/event_id is longer than 12",
            "bid-null|unmatched|it has no tx_id",
            "imp-b|duplicate|another impression with this tx_id and the same time is already"
                + " waiting for its bid",
            "imp-b|unmatched|no bid with this tx_id within 1 minute",
            "imp-c|malformed|/price is required",
            "imp-d|malformed|/price is less than 0",
            "null-f|malformed|/type is missing",
            "other-e|malformed|/type is not one of the types"),
        rows("refused", "event_id, outcome, detail"));
  }

  @Test
  void theReasonIsTheRightOneOfManyChecks() throws Exception {
    checks = "imp event_id max-length 12 is longer than 12\n".repeat(300) + CHECKS;
    input(event("imp", "d", 2000, -1L));
    assertEquals(
        List.of("imp-d|malformed|/price is less than 0"),
        rows("refused", "event_id, outcome, detail"));
  }

  @Test
  void countsAreByGroupAndPeriod() throws Exception {
    input(
        event("bid", "a", 1000, null),
        event("imp", "a", 2000, 5L),
        event("imp", "b", 3000, 5L),
        event("bid", "b", 1000, null),
        event("imp", "c", 61_000, 5L),
        event("bid", "c", 61_000, null),
        event("imp", "d", 2000, 5L));
    Map<String, long[]> sums = new java.util.TreeMap<>();
    String columns = "price, `period`, imp, `sum`, records";
    for (String row : rows("counts", columns)) {
      String[] parts = row.split("\\|");
      long[] sum = sums.computeIfAbsent(parts[0] + "|" + parts[1], k -> new long[3]);
      for (int i = 0; i < 3; i++) {
        sum[i] += Long.parseLong(parts[2 + i]);
      }
    }
    List<String> counted = new ArrayList<>();
    sums.forEach((k, v) -> counted.add(k + "|" + v[0] + "|" + v[1] + "|" + v[2]));
    assertEquals(List.of("5|0|2|10|2", "5|60|1|5|1"), counted);
  }

  @Test
  void aWrongOptionIsRefusedByItsName() {
    input(event("bid", "a", 1000, 7L));
    Map.of(
            "'key' = 'tx_id'", "'key' = 'price'",
            "'stage' = 'type'", "'stage' = 'typ'",
            "'own' = 'event_id", "'own' = 'tx_id",
            "'window' = '60 s'", "'window' = '60 d'",
            "'stages' = 'bid,imp,click'", "'stages' = ''",
            "'renamed' = 'bid.price=", "'renamed' = 'bod.price=",
            "'labels' = 'imp=impression'", "'labels' = 'impression'")
        .forEach(
            (part, wrong) -> {
              String options = OPTIONS.replace(part, wrong);
              Exception refused =
                  assertThrows(ValidationException.class, () -> insert(options).explain());
              String message = ExceptionUtils.stringifyException(refused);
              String option = part.substring(0, part.indexOf(" "));
              assertTrue(message.contains("correlate: " + option), message);
            });
  }

  @Test
  void aPortThatIsReadBeforeItsTableIsWrittenIsRefused() {
    input(event("bid", "a", 1000, 7L));
    port("matched");
    Exception refused =
        assertThrows(
            ValidationException.class,
            () ->
                tables.explainSql(
                    "SELECT tx_id FROM `matched`", ExplainDetail.JSON_EXECUTION_PLAN));
    assertTrue(
        ExceptionUtils.stringifyException(refused).contains("put the INSERT INTO the table first"));
  }

  @Test
  void aPortOrColumnThatDoesNotExistIsRefusedWithThoseThatDo() {
    input(event("bid", "a", 1000, 7L));
    port("machted");
    port("closed", "bid_att TIMESTAMP_LTZ(3)");
    tables.executeSql(
        "CREATE TEMPORARY TABLE collected (line STRING) WITH ('connector' = 'collected')");
    Map.of("machted", "matched:imp", "closed WHERE bid_att > bid_at", "bid_at")
        .forEach(
            (port, choice) -> {
              StatementSet set = insert(OPTIONS);
              set.addInsertSql("INSERT INTO collected SELECT tx_id FROM " + port);
              Exception refused = assertThrows(ValidationException.class, set::execute);
              assertTrue(ExceptionUtils.stringifyException(refused).contains(choice));
            });
  }

  /** Else every record would be late: an operator above the source replaces its watermarks. */
  @Test
  void miniBatchesThatChangeTheTimeOfRowsAreRefused() {
    tables.getConfig().set("table.exec.mini-batch.enabled", "true");
    tables.getConfig().set("table.exec.mini-batch.allow-latency", "1 s");
    tables.getConfig().set("table.exec.mini-batch.size", "100");
    input(event("bid", "a", 1000, 7L));
    Exception refused = assertThrows(ValidationException.class, () -> insert(OPTIONS).execute());
    assertTrue(refused.getMessage().contains("table.exec.mini-batch.enabled"), refused.toString());
  }

  private StatementSet insert(String options) {
    tables.executeSql("DROP TEMPORARY TABLE IF EXISTS written");
    tables.executeSql(
        "CREATE TEMPORARY TABLE written ("
            + COLUMNS
            + ") WITH ("
            + options.replace(CHECKS, checks)
            + ")");
    return tables.createStatementSet().addInsertSql("INSERT INTO written SELECT * FROM events");
  }

  private void port(String name, String... more) {
    String columns =
        name.equals("counts")
            ? "price BIGINT, `period` BIGINT, bid BIGINT, imp BIGINT, click BIGINT, `sum` BIGINT,"
                + " records BIGINT"
            : COLUMNS
                + ", bid_price BIGINT, outcome STRING, detail STRING, bid_at TIMESTAMP_LTZ(3),"
                + " imp_at TIMESTAMP_LTZ(3), click_at TIMESTAMP_LTZ(3)"
                + (more.length > 0 ? ", " + more[0] : "");
    tables.executeSql(
        "CREATE TEMPORARY TABLE `%s` (%s) WITH ('connector' = 'correlate', 'name' = 'test', 'port' = '%s')"
            .formatted(name, columns, name));
  }

  private List<String> rows(String port, String columns) throws Exception {
    StatementSet set = insert(OPTIONS + COUNTS);
    port(port);
    tables.executeSql(
        "CREATE TEMPORARY TABLE collected (line STRING) WITH ('connector' = 'collected')");
    String line =
        Arrays.stream(columns.split(","))
            .map(column -> "COALESCE(CAST(" + column.strip() + " AS STRING), 'null')")
            .collect(Collectors.joining(", ", "CONCAT_WS('|', ", ")"));
    set.addInsertSql("INSERT INTO collected SELECT " + line + " FROM `" + port + "`");
    CollectedTableFactory.LINES.clear();
    set.execute().await();
    return CollectedTableFactory.LINES.stream().sorted().toList();
  }

  private static Row event(String type, String key, long time, Long price) {
    String id = type + "-" + key;
    String domain = "bid".equals(type) ? "d" : null;
    return Row.of(type, key, id, Instant.ofEpochMilli(time), price, domain);
  }

  private void input(Row... events) {
    var type =
        Types.ROW_NAMED(
            new String[] {"type", "tx_id", "event_id", "occurred_at", "price", "domain"},
            Types.STRING,
            Types.STRING,
            Types.STRING,
            Types.INSTANT,
            Types.LONG,
            Types.STRING);
    Schema schema =
        Schema.newBuilder()
            .column("type", DataTypes.STRING())
            .column("tx_id", DataTypes.STRING())
            .column("event_id", DataTypes.STRING())
            .column("occurred_at", DataTypes.TIMESTAMP_LTZ(3))
            .column("price", DataTypes.BIGINT())
            .column("domain", DataTypes.STRING())
            .watermark("occurred_at", "occurred_at - INTERVAL '5' SECOND")
            .build();
    tables.createTemporaryView(
        "events", tables.fromDataStream(streams.fromData(type, events), schema));
  }
}
