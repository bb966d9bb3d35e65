package sdp.functions;

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
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** CORRELATE and PROGRESS as SQL calls them, planned and run by Flink itself. */
class CorrelateSqlTest {
  private static final String[] COLUMNS = {
    "type", "tx_id", "event_id", "occurred_at", "price", "domain"
  };

  private StreamTableEnvironment tables;
  private StreamExecutionEnvironment streams;

  @BeforeEach
  void environment() {
    streams = StreamExecutionEnvironment.getExecutionEnvironment();
    streams.setParallelism(2);
    tables = StreamTableEnvironment.create(streams);
    tables.executeSql("CREATE TEMPORARY FUNCTION CORRELATE AS 'sdp.functions.Correlate'");
    tables.executeSql("CREATE TEMPORARY FUNCTION SLICE AS 'sdp.functions.Slice'");
    tables.executeSql("CREATE TEMPORARY FUNCTION PROGRESS AS 'sdp.functions.Progress'");
  }

  @Test
  void outputIsTheSliceThenTheOtherColumnsThenOutcomeStageTimesAndRowtime() {
    input(event("bid", "a", 1000, 7L));
    assertEquals(
        List.of(
            "slice",
            "type",
            "tx_id",
            "event_id",
            "occurred_at",
            "price",
            "domain",
            "outcome",
            "bid_at",
            "imp_at",
            "click_at",
            "rowtime"),
        tables.sqlQuery(correlate("*")).getResolvedSchema().getColumnNames());
  }

  @Test
  void fillsFromEarlierStagesButNotOwnColumns() throws Exception {
    input(
        event("click", "a", 3000, null),
        event("bid", "a", 1000, 7L),
        event("imp", "a", 2000, null),
        event("imp", "a", 2000, null),
        event("imp", "b", 2000, 5L));
    assertEquals(
        List.of(
            "bid|a|bid-a|1970-01-01T00:00:01Z|7|d|matched|1970-01-01T00:00:01Z|null|null",
            "bid|a|null|1970-01-01T00:00:01Z|7|d|closed|"
                + "1970-01-01T00:00:01Z|1970-01-01T00:00:02Z|1970-01-01T00:00:03Z",
            "click|a|click-a|1970-01-01T00:00:03Z|7|d|matched|"
                + "1970-01-01T00:00:01Z|1970-01-01T00:00:02Z|1970-01-01T00:00:03Z",
            "imp|a|imp-a|1970-01-01T00:00:02Z|7|d|matched|"
                + "1970-01-01T00:00:01Z|1970-01-01T00:00:02Z|null",
            "imp|a|imp-a|1970-01-01T00:00:02Z|null|null|duplicate|null|null|null",
            "imp|b|imp-b|1970-01-01T00:00:02Z|5|null|unmatched|null|null|null"),
        rows(
            correlate(
                "`type`, tx_id, event_id, occurred_at, price, domain, outcome,"
                    + " bid_at, imp_at, click_at")));
  }

  @Test
  void aRecordWithoutAKeyIsUnmatched() throws Exception {
    input(event("bid", null, 1000, 7L));
    assertEquals(
        List.of("bid|bid-null|unmatched|null"),
        rows(correlate("`type`, event_id, outcome, bid_at")));
  }

  @Test
  void aWrongCallIsRefusedByTheNameOfItsArgument() {
    input(event("bid", "a", 1000, 7L));
    String right = correlate("*");
    Map.of(
            "PARTITION BY slice", "PARTITION BY tx_id",
            "key_column => 'tx_id'", "key_column => 'price'",
            "own => 'event_id'", "own => 'tx_id'",
            "stage_column => 'type'", "stage_column => 'typ'",
            "CAST(60000 AS BIGINT), lateness", "CAST(-1 AS BIGINT), lateness")
        .forEach(
            (part, wrong) -> {
              String sql = right.replace(part, wrong);
              Exception refused =
                  assertThrows(ValidationException.class, () -> tables.sqlQuery(sql).explain());
              String said = ExceptionUtils.stringifyException(refused);
              String argument =
                  part.startsWith("CAST") ? "window_ms" : part.split(" (=>|slice)")[0];
              assertTrue(said.contains("CORRELATE: " + argument + " must be"), said);
            });
  }

  @Test
  void progressTellsTheWatermarkOfTheHeartbeatBefore() throws Exception {
    streams.setParallelism(1);
    input(
        event("heartbeat", null, 60_000, null),
        event("bid", "a", 61_000, 7L),
        event("heartbeat", null, 120_000, null),
        event("heartbeat", null, 120_000, null),
        event("heartbeat", null, 180_000, null));
    tables.executeSql(
        "CREATE TEMPORARY VIEW x AS SELECT CAST(occurred_at AS TIMESTAMP_LTZ(3)) AS heartbeat_at"
            + " FROM decoded WHERE `type` = 'heartbeat'");
    assertEquals(
        List.of("1970-01-01T00:03:00Z|1970-01-01T00:00:56Z"),
        rows(
            "SELECT heartbeat_at, `watermark` FROM PROGRESS(input => TABLE x, uid => 'progress')"));
  }

  private static String correlate(String columns) {
    return "SELECT "
        + columns
        + " FROM CORRELATE(input => TABLE sliced PARTITION BY slice, key_column => 'tx_id',"
        + " stage_column => 'type', stages => 'bid,imp,click', own => 'event_id',"
        + " window_ms => CAST(60000 AS BIGINT), lateness_ms => CAST(60000 AS BIGINT),"
        + " on_time => DESCRIPTOR(occurred_at), uid => 'correlate')";
  }

  private static Row event(String type, String key, long time, Long price) {
    String id = type + "-" + key;
    String domain = type.equals("bid") ? "d" : null;
    return Row.of(type, key, id, Instant.ofEpochMilli(time), price, domain);
  }

  private void input(Row... events) {
    var type =
        Types.ROW_NAMED(
            COLUMNS,
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
        "decoded", tables.fromDataStream(streams.fromData(type, events), schema));
    tables.executeSql(
        "CREATE TEMPORARY VIEW sliced AS SELECT *, SLICE(tx_id) AS slice FROM decoded");
  }

  private List<String> rows(String sql) throws Exception {
    List<String> rows = new ArrayList<>();
    try (CloseableIterator<Row> result = tables.executeSql(sql).collect()) {
      result.forEachRemaining(row -> rows.add(text(row)));
    }
    rows.sort(null);
    return rows;
  }

  private static String text(Row row) {
    List<String> values = new ArrayList<>();
    for (int i = 0; i < row.getArity(); i++) {
      values.add(String.valueOf(row.getField(i)));
    }
    return String.join("|", values);
  }
}
