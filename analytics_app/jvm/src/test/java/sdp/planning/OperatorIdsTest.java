package sdp.planning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.junit.jupiter.api.Test;

/** Operators have the same ids in every plan, so state finds its operator again. */
class OperatorIdsTest {
  private static final String OPTIONS =
      " WITH ('connector' = 'kinesis', 'format' = 'json', 'stream.arn' ="
          + " 'arn:aws:kinesis:us-east-1:000000000000:stream/%s')";
  private static final String DATABASE = "default_catalog.default_database.";
  private static final String EVENTS = "k STRING, v BIGINT";
  private static final String TOTALS = over("totals", "SUM", "");
  private static final String MAXIMA = over("maxima", "MAX", "");
  private static final String TOTALS_AGAIN = over("totals", "MIN", "");

  @Test
  void parallelismChangesNone() {
    Map<String, String> ids = ids(1, EVENTS, TOTALS, MAXIMA);
    assertEquals(ids, ids(2, EVENTS, TOTALS, MAXIMA));
    assertTrue(ids.containsKey("kinesis events"), ids::toString);
    assertTrue(ids.containsKey("kinesis sink totals"), ids::toString);
  }

  @Test
  void anotherInsertChangesNone() {
    Map<String, String> ids = ids(1, EVENTS, TOTALS);
    Map<String, String> more = ids(1, EVENTS, MAXIMA, TOTALS);
    ids.forEach((id, name) -> assertEquals(name, more.get(id), id));
  }

  @Test
  void anotherReaderOfTheSameRowsChangesNone() {
    Set<String> ids = stateful(TOTALS);
    assertEquals(ids, stateful(over("maxima", "SUM", ""), TOTALS));
    assertEquals(ids, stateful(over("maxima", "SUM", "")));
  }

  @Test
  void anotherColumnOfTheEventsChangesNone() {
    Set<String> ids = stateful(TOTALS);
    assertEquals(ids, stateful(ids(1, "added STRING, " + EVENTS, TOTALS)));
  }

  /** The planner lets MAX OVER keep whole rows: its state has the added column. */
  @Test
  void aColumnThatIsAddedToTheRowsThatAreKeptIsAnotherOperator() {
    Set<String> ids = stateful(MAXIMA);
    assertNotEquals(ids, stateful(ids(1, "added STRING, " + EVENTS, MAXIMA)));
  }

  @Test
  void anotherNumberInAFilterChangesNone() {
    assertEquals(
        stateful(over("totals", "SUM", "v > 1")), stateful(over("totals", "SUM", "v > 2")));
  }

  /** Else state that was kept before the check had this form would not be found. */
  @Test
  void theCheckOfTheEventsChangesNone() {
    String events = "violation STRING, " + EVENTS;
    String filter = "k <> 'a' AND v > 1";
    Set<String> ids = stateful(over("totals", "SUM", filter));
    String checked = over("totals", "SUM", "violation IS NULL AND " + filter);
    assertEquals(ids, stateful(ids(1, events, checked)));
    String malformed = over("totals", "SUM", "violation IS NOT NULL AND " + filter);
    assertNotEquals(ids, stateful(ids(1, events, malformed)));
  }

  @Test
  void anotherTextInAFilterOrAnotherAggregateIsAnotherOperator() {
    Set<String> ids = stateful(over("totals", "SUM", "k = 'a AND (b'"));
    assertNotEquals(ids, stateful(over("totals", "SUM", "k = 'b'")));
    assertNotEquals(stateful(TOTALS), stateful(over("totals", "MAX", "")));
  }

  @Test
  void operatorsThatDifferInANumberAloneAreNeverConfused() {
    String low = over("totals", "SUM", "v > 1");
    String high = over("maxima", "SUM", "v > 2");
    Set<String> ids = stateful(low, high);
    assertEquals(2, ids.size());
    assertEquals(ids, stateful(high, low));
    assertFalse(ids.contains(stateful(low).iterator().next()), ids::toString);
  }

  @Test
  void twoInsertsIntoOneTableHaveIdsOfTheirOwnAndOneSink() {
    Map<String, String> ids = ids(1, EVENTS, TOTALS, TOTALS_AGAIN);
    assertEquals(2, stateful(ids).size(), ids::toString);
    assertTrue(ids.containsKey("kinesis sink totals"), ids::toString);
  }

  @Test
  void stateIsFoundByTheNameThatOperatorsHadByTable() {
    var hashes = new TreeSet<String>();
    graph(1, EVENTS, TOTALS, MAXIMA).stream()
        .filter(node -> node.getOperatorName().startsWith("OverAggregate"))
        .forEach(node -> hashes.add(node.getUserHash()));
    Set<String> expected = new TreeSet<>();
    for (String table : List.of("totals", "maxima")) {
      expected.add(Content.hash(DATABASE + table + " OverAggregate"));
    }
    assertEquals(expected, hashes);
  }

  private static String over(String table, String function, String filter) {
    return "INSERT INTO %s SELECT k, %s(v) OVER (PARTITION BY k ORDER BY ts) FROM events%s"
        .formatted(table, function, filter.isEmpty() ? "" : " WHERE " + filter);
  }

  private static Set<String> stateful(String... inserts) {
    return stateful(ids(1, EVENTS, inserts));
  }

  private static Set<String> stateful(Map<String, String> ids) {
    var found = new TreeSet<String>();
    ids.forEach((id, name) -> found.addAll(name.startsWith("Over") ? Set.of(id) : Set.of()));
    return found;
  }

  /** The kind of operator by its id; all have one. */
  private static Map<String, String> ids(int parallelism, String columns, String... inserts) {
    Map<String, String> ids = new TreeMap<>();
    for (StreamNode node : graph(parallelism, columns, inserts)) {
      assertTrue(node.getTransformationUID() != null, () -> node.getOperatorName() + " has no id");
      String id = node.getTransformationUID().replace(DATABASE, "");
      assertEquals(null, ids.put(id, node.getOperatorName().replaceAll("\\[\\d+\\]", "")));
    }
    return ids;
  }

  private static List<StreamNode> graph(int parallelism, String columns, String... inserts) {
    var environment = StreamExecutionEnvironment.getExecutionEnvironment();
    environment.setParallelism(parallelism);
    var tables = StreamTableEnvironment.create(environment);
    tables.executeSql(
        "CREATE TABLE events ("
            + columns
            + ", ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)"
            + OPTIONS.formatted("events"));
    for (String name : List.of("totals", "maxima")) {
      tables.executeSql("CREATE TABLE " + name + " (k STRING, v BIGINT)" + OPTIONS.formatted(name));
    }
    var together = tables.createStatementSet();
    List.of(inserts).forEach(together::addInsertSql);
    together.attachAsDataStream();
    return List.copyOf(environment.getStreamGraph().getStreamNodes());
  }
}
