package sdp.ledger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import sdp.correlate.CollectedTableFactory;

/** What SQL decides, counted through tables that Flink itself plans and runs. */
class OutcomesTableTest {
  private static final String COLUMNS = "received_at TIMESTAMP_LTZ(3), data BYTES, outcome STRING";
  private static final String OPTIONS =
      "'connector' = 'outcomes', 'name' = 'test', 'received' = 'received_at', 'data' = 'data',"
          + " 'outcome' = 'outcome'";

  private StreamTableEnvironment tables;

  @BeforeEach
  void environment() {
    StreamExecutionEnvironment streams = StreamExecutionEnvironment.getExecutionEnvironment();
    streams.setParallelism(2);
    tables = StreamTableEnvironment.create(streams);
  }

  @Test
  void eachRecordHasItsOutcomeAndOurOwnCopyIsRedelivered() throws Exception {
    input(
        row(59, "{\"receipt\":1}", "malformed"),
        row(60, "{\"receipt\":2}", "filtered"),
        row(61, "{\"receipt\":3}", "filtered"),
        row(60, "{\"receipt\":2}", "filtered"),
        row(61, "{\"receipt\":4}", "counted"),
        row(61, "{}", "malformed"));
    assertEquals(List.of("0 1 0 1 0 0", "60 4 1 0 2 1"), lines());
  }

  @Test
  void ourOwnCopyIsRedeliveredAlsoWhereSqlDecidesOtherwiseAboutIt() throws Exception {
    input(
        IntStream.range(0, 20)
            .mapToObj("{\"receipt\":%d}"::formatted)
            .flatMap(json -> Stream.of(row(1, json, "filtered"), row(1, json, "malformed")))
            .toArray(String[]::new));
    String[] numbers = lines().get(0).split(" ");
    assertEquals(20, Integer.parseInt(numbers[3]) + Integer.parseInt(numbers[4]));
    assertEquals(List.of("40", "20"), List.of(numbers[1], numbers[5]));
  }

  @Test
  void anUnknownOutcomeIsRefusedWithTheKnownOnes() {
    input(row(1, "{\"receipt\":1}", "lost"));
    String message = ExceptionUtils.stringifyException(assertThrows(Exception.class, this::lines));
    assertTrue(
        message.contains(
            "A record with the outcome 'lost' was inserted; insert one of counted, duplicate,"
                + " late, unmatched, malformed, filtered"),
        message);
  }

  @Test
  void aMissingOptionIsNamed() {
    input(row(1, "{}", "counted"));
    written(OPTIONS.replace(" 'data' = 'data',", ""));
    Exception refused = assertThrows(ValidationException.class, () -> insert().explain());
    String message = ExceptionUtils.stringifyException(refused);
    assertTrue(message.contains("outcomes: 'data' is missing."), message);
  }

  private static String row(long second, String json, String outcome) {
    return "(%d, '%s', '%s')".formatted(second, json, outcome);
  }

  private void input(String... rows) {
    tables.executeSql(
        "CREATE TEMPORARY VIEW events AS SELECT TO_TIMESTAMP_LTZ(`second` * 1000, 3) AS received_at,"
            + " ENCODE(`json`, 'UTF-8') AS data, CAST(outcome AS STRING) AS outcome FROM (VALUES "
            + Stream.of(rows).collect(Collectors.joining(", "))
            + ") AS t (`second`, `json`, outcome)");
  }

  private void written(String options) {
    tables.executeSql("CREATE TEMPORARY TABLE written (" + COLUMNS + ") WITH (" + options + ")");
  }

  private StatementSet insert() {
    return tables.createStatementSet().addInsertSql("INSERT INTO written SELECT * FROM events");
  }

  /** Minute, read, counted, malformed, filtered, redelivered. */
  private List<String> lines() throws Exception {
    written(OPTIONS);
    String columns =
        Counted.columns().stream().map("`%s` BIGINT"::formatted).collect(Collectors.joining(", "));
    tables.executeSql(
        "CREATE TEMPORARY TABLE counts ("
            + columns
            + ") WITH ('connector' = 'outcomes', 'name' = 'test', 'port' = 'ledger')");
    tables.executeSql(
        "CREATE TEMPORARY TABLE collected (line STRING) WITH ('connector' = 'collected')");
    StatementSet set = insert();
    String numbers =
        Stream.of("read", "counted", "malformed", "filtered", "redelivered")
            .map("' ', CAST(`%s` AS STRING)"::formatted)
            .collect(Collectors.joining(", "));
    set.addInsertSql(
        "INSERT INTO collected SELECT CONCAT(CAST(`minute` AS STRING), ':', %s) FROM counts"
            .formatted(numbers));
    CollectedTableFactory.LINES.clear();
    set.execute().await();
    return sums();
  }

  /** Each subtask counts for itself. */
  private static List<String> sums() {
    Map<String, long[]> minutes = new TreeMap<>();
    for (String line : CollectedTableFactory.LINES) {
      String[] parts = line.split(": | ");
      long[] sums = minutes.computeIfAbsent(parts[0], minute -> new long[parts.length - 1]);
      for (int i = 0; i < sums.length; i++) {
        sums[i] += Long.parseLong(parts[i + 1]);
      }
    }
    return minutes.entrySet().stream()
        .map(
            each ->
                each.getKey()
                    + Arrays.stream(each.getValue())
                        .mapToObj(number -> " " + number)
                        .collect(Collectors.joining()))
        .toList();
  }
}
