package sdp.planning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
  private static final String TOTALS =
      "INSERT INTO totals SELECT k, SUM(v) OVER (PARTITION BY k ORDER BY ts) FROM events";
  private static final String MAXIMA =
      "INSERT INTO maxima SELECT k, MAX(v) OVER (PARTITION BY k ORDER BY ts) FROM events";
  private static final String TOTALS_AGAIN =
      "INSERT INTO totals SELECT k, MIN(v) OVER (PARTITION BY k ORDER BY ts) FROM events";

  @Test
  void parallelismChangesNone() {
    Map<String, String> ids = ids(1, TOTALS, MAXIMA);
    assertEquals(ids, ids(2, TOTALS, MAXIMA));
    assertTrue(ids.containsKey("totals OverAggregate"), ids::toString);
    assertTrue(ids.containsKey("kinesis events"), ids::toString);
    assertTrue(ids.containsKey("kinesis sink totals"), ids::toString);
  }

  @Test
  void anotherInsertChangesNone() {
    Map<String, String> ids = ids(1, TOTALS);
    Map<String, String> more = ids(1, MAXIMA, TOTALS);
    ids.forEach((id, name) -> assertEquals(name, more.get(id), id));
  }

  @Test
  void twoInsertsIntoOneTableHaveIdsOfTheirOwnAndOneSink() {
    Map<String, String> ids = ids(1, TOTALS, TOTALS_AGAIN);
    assertTrue(ids.containsKey("totals OverAggregate 2"), ids::toString);
    assertTrue(ids.containsKey("totals OverAggregate"), ids::toString);
    assertTrue(ids.containsKey("kinesis sink totals"), ids::toString);
  }

  /** The kind of operator by its id; all have one. */
  private static Map<String, String> ids(int parallelism, String... inserts) {
    var environment = StreamExecutionEnvironment.getExecutionEnvironment();
    environment.setParallelism(parallelism);
    var tables = StreamTableEnvironment.create(environment);
    tables.executeSql(
        "CREATE TABLE events (k STRING, v BIGINT, ts TIMESTAMP_LTZ(3),"
            + " WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)"
            + OPTIONS.formatted("events"));
    for (String name : List.of("totals", "maxima")) {
      tables.executeSql("CREATE TABLE " + name + " (k STRING, v BIGINT)" + OPTIONS.formatted(name));
    }
    var together = tables.createStatementSet();
    List.of(inserts).forEach(together::addInsertSql);
    together.attachAsDataStream();
    Map<String, String> ids = new TreeMap<>();
    for (StreamNode node : environment.getStreamGraph().getStreamNodes()) {
      assertTrue(node.getTransformationUID() != null, () -> node.getOperatorName() + " has no id");
      String id = node.getTransformationUID().replace(DATABASE, "");
      assertEquals(null, ids.put(id, node.getOperatorName().replaceAll("\\[\\d+\\]", "")));
    }
    return ids;
  }
}
