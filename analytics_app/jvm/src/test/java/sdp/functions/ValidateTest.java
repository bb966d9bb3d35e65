package sdp.functions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The checks as a function of a table, planned and run by Flink itself. */
class ValidateTest {
  private static final String CHECKS =
      """
      * occurred_at ahead 310000 is in the future of its arrival
      * type missing - is missing
      * type unknown - is not one of the types
      * event_id required - is required
      * event_id min-length 2 is shorter than 2
      * event_id max-length 4 is longer than 4
      bid price min -0.5 is less than -0.5
      bid price max 0.5 is greater than 0.5
      imp count required - is required
      imp count min -1 is less than -1
      imp count max 1 is greater than 1\
      """;
  private static final String CALL =
      """
      SELECT event_id, `count`, event_time, violation FROM VALIDATE(
        input => TABLE events,
        types => 'bid,imp', ignored => 'heartbeat', checks => '%s')""";

  private StreamTableEnvironment tables;
  private StreamExecutionEnvironment streams;

  @BeforeEach
  void environment() {
    streams = StreamExecutionEnvironment.getExecutionEnvironment();
    streams.setParallelism(1);
    tables = StreamTableEnvironment.create(streams);
    tables.getConfig().set("table.local-time-zone", "UTC");
    tables.createTemporaryFunction("VALIDATE", Validate.class);
  }

  @Test
  void theFirstThingThatIsWrongIsNamed() throws Exception {
    assertEquals(
        List.of(
            "/type is missing",
            "/type is not one of the types",
            "/event_id is required",
            "/event_id is shorter than 2",
            "/event_id is longer than 4",
            "/price is less than -0.5",
            "/price is greater than 0.5",
            "/count is required",
            "/count is less than -1",
            "/count is greater than 1"),
        violations(
            event(null, null, null, null),
            event("click", null, null, null),
            event("bid", null, 9.0, null),
            event("bid", "a", 9.0, null),
            event("bid", "abcde", 9.0, null),
            event("bid", "ab", -0.51, null),
            event("bid", "ab", 0.51, null),
            event("imp", "ab", 9.0, null),
            event("imp", "ab", null, -2L),
            event("imp", "ab", null, 2L)));
  }

  @Test
  void whatIsAtALimitOrOfAnotherTypeIsWellFormed() throws Exception {
    assertEquals(
        List.of("null", "null", "null", "null", "null", "null"),
        violations(
            event("heartbeat", null, 9.0, 9L),
            event("bid", "ab", -0.5, null),
            event("bid", "abcd", 0.5, 9L),
            event("bid", "ab", null, null),
            event("imp", "ab", 9.0, -1L),
            event("imp", "ab", Double.NaN, 1L)));
  }

  /** Four letters of four bytes are no more than four, and one of them is shorter than two. */
  @Test
  void lengthsAreThoseOfCharacters() throws Exception {
    String letter = "\uD83D\uDE80";
    assertEquals(
        List.of("null", "/event_id is longer than 4", "/event_id is shorter than 2"),
        violations(
            event("bid", letter.repeat(4), null, null),
            event("bid", letter.repeat(5), null, null),
            event("bid", letter, null, null)));
  }

  /**
   * What the stream says of the arrival counts; without it, what the record says of its receipt.
   */
  @Test
  void theTimeIsHeldAgainstTheArrival() throws Exception {
    String ahead = "/occurred_at is in the future of its arrival";
    assertEquals(
        List.of("null", ahead, ahead, "null", ahead, "null"),
        violations(
            at("bid", 310_000L, 0L, null),
            at("bid", 310_001L, 0L, null),
            at("heartbeat", 310_001L, 0L, null),
            at("bid", 310_001L, 0L, 1L),
            at("bid", 310_001L, 900_000L, 0L),
            at("bid", 310_001L, null, null)));
  }

  @Test
  void whoeverReadsTheResultItIsEvaluatedOnce() {
    input(event("bid", "ab", null, null));
    tables.executeSql("CREATE TEMPORARY VIEW checked AS " + CALL.formatted(CHECKS));
    for (String name : List.of("good", "bad")) {
      tables.executeSql(
          "CREATE TEMPORARY TABLE %s (x STRING) WITH ('connector' = 'blackhole')".formatted(name));
    }
    StatementSet set = tables.createStatementSet();
    set.addInsertSql("INSERT INTO good SELECT event_id FROM checked WHERE violation IS NULL");
    set.addInsertSql("INSERT INTO bad SELECT violation FROM checked WHERE `count` > 0");
    String plan = set.explain().split("== Optimized Execution Plan ==")[1];
    assertEquals(2, plan.split("ProcessTableFunction\\(").length, plan);
  }

  @Test
  void timeStaysTime() throws Exception {
    input(at("bid", 1_000L, 0L, null), at("bid", 61_000L, 0L, null), at("bid", 2_000L, 0L, null));
    tables.executeSql("CREATE TEMPORARY VIEW checked AS " + CALL.formatted(CHECKS));
    assertEquals(
        List.of("+I[2]", "+I[1]"),
        rows(
            "SELECT COUNT(*) FROM TUMBLE(TABLE checked, DESCRIPTOR(event_time), INTERVAL '1' MINUTE)"
                + " GROUP BY window_start, window_end"));
  }

  @Test
  void wrongChecksAreRefusedWhenTheJobIsPlanned() {
    input(event("bid", "ab", null, null));
    assertTrue(refused(CALL.formatted("bid price least 0 is less")).contains("'least' is no kind"));
    assertTrue(refused(CALL.formatted("bid prize min 0 is less")).contains("'prize' is no column"));
    assertTrue(
        refused(CALL.formatted("").replace("types => 'bid,imp'", "types => UUID()"))
            .contains("types must be a literal"));
  }

  private String refused(String query) {
    return ExceptionUtils.stringifyException(
        assertThrows(Throwable.class, () -> tables.explainSql(query)));
  }

  private List<String> violations(Row... events) throws Exception {
    input(events);
    return rows("SELECT violation FROM (" + CALL.formatted(CHECKS) + ")").stream()
        .map(row -> row.substring(3, row.length() - 1))
        .toList();
  }

  private List<String> rows(String query) throws Exception {
    List<String> found = new ArrayList<>();
    try (CloseableIterator<Row> rows = tables.executeSql(query).collect()) {
      rows.forEachRemaining(row -> found.add(row.toString()));
    }
    return found;
  }

  private static Row event(String type, String id, Double price, Long count) {
    Instant now = Instant.EPOCH;
    return Row.of(type, id, now, now, now, price, count);
  }

  private static Row at(String type, Long occurred, Long received, Long arrived) {
    return Row.of(type, "ab", instant(occurred), instant(received), instant(arrived), null, null);
  }

  private static Instant instant(Long millis) {
    return millis == null ? null : Instant.ofEpochMilli(millis);
  }

  private void input(Row... events) {
    var type =
        Types.ROW_NAMED(
            new String[] {
              "type",
              "event_id",
              "occurred_at",
              "received_at",
              "arrival_timestamp",
              "price",
              "count"
            },
            Types.STRING,
            Types.STRING,
            Types.INSTANT,
            Types.INSTANT,
            Types.INSTANT,
            Types.DOUBLE,
            Types.LONG);
    Schema schema =
        Schema.newBuilder()
            .column("type", DataTypes.STRING())
            .column("event_id", DataTypes.STRING())
            .column("occurred_at", DataTypes.TIMESTAMP_LTZ(3))
            .column("received_at", DataTypes.TIMESTAMP_LTZ(3))
            .column("arrival_timestamp", DataTypes.TIMESTAMP_LTZ(3))
            .column("price", DataTypes.DOUBLE())
            .column("count", DataTypes.BIGINT())
            .columnByExpression("event_time", "COALESCE(occurred_at, TO_TIMESTAMP_LTZ(0, 3))")
            .watermark("event_time", "event_time - INTERVAL '5' SECOND")
            .build();
    tables.createTemporaryView(
        "events", tables.fromDataStream(streams.fromData(type, events), schema));
  }
}
