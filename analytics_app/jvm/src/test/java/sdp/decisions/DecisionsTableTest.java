package sdp.decisions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
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
import org.junit.jupiter.api.io.TempDir;
import sdp.correlate.CollectedTableFactory;
import sdp.definitions.Version;

/** The operator between tables of a SQL job, with definitions from a file. */
class DecisionsTableTest {
  private static final String COLUMNS =
      "event_id STRING, meter STRING, occurred_at TIMESTAMP_LTZ(3), kind STRING, used DOUBLE,"
          + " paid BIGINT, customer_id STRING, other STRING";
  private static final String OPTIONS =
      "'connector' = 'decisions', 'name' = 'test', 'key' = 'meter', 'id' = 'event_id',"
          + " 'second-key' = 'other',"
          + " 'time' = 'occurred_at', 'kind' = 'kind', 'subject' = 'meter', 'trace' = 'event_id',"
          + " 'event' = 'used', 'profile' = 'tariff=paid,customer_id', 'default-score' = '0.25'";
  private static final String DECISION =
      "CONCAT_WS('|', id, kind, subject, customer_id, CAST(occurred_at AS STRING),"
          + " CAST(passed AS STRING), rules, CAST(score AS STRING), action_id, profile_id, detail,"
          + " trace_id)";
  private static final String ACTION =
      "CONCAT_WS('|', id, kind, subject, customer_id, channel, title, message,"
          + " CAST(score AS STRING), rule, CAST(rule_version AS STRING),"
          + " CAST(template_version AS STRING), business_event_id, CAST(occurred_at AS STRING),"
          + " trace_id, CAST(event_used AS STRING), CAST(profile_tariff AS STRING),"
          + " profile_customer_id, event_kind, template)";

  @TempDir private Path folder;
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
  void decisionsActionsAndWhatIsRefusedAreThreePorts() throws Exception {
    define(
        Checked.rule("much", 1, 0, "event.used > 100.0"),
        Checked.rule("much", 2, 2_000, "event.used > 10.0", "save", 1),
        Checked.template("save", 7, 0, "{{ event.used }} used, {{ profile.tariff }} paid"));
    input(
        List.of(
            event("late version", "a", 2_000, "low", 50.5, null, null),
            event("first version", "a", 1_999, "low", 50.5, null, null),
            event("profile", "a", 1_000, null, null, 3L, "c1"),
            event("keyless", null, 1_000, null, null, 3L, "c1"),
            event("other kind", "b", 3_000, "stuck", 1.0, null, null)));
    assertEquals(
        List.of(
            "first version|low|a|c1|1970-01-01"
                + " 00:00:01.999|FALSE|[{\"name\":\"much\",\"version\":1,\"mode\":\"live\",\"result\":\"false\",\"reason\":\"event.used"
                + " > 100.0 (event.used is 50.5)\"}]|profile|first version",
            "keyless|refused|it has no meter",
            "late version:much|low|a|c1|push|Hello c1|50.50 used, 3 paid|0.25|much|2|7|late"
                + " version|1970-01-01 00:00:02.000|late version|50.5|3|c1|low|save",
            "late version|low|a|c1|1970-01-01 00:00:02.000|TRUE|[{\"name\":\"much\",\"version\":2,"
                + "\"mode\":\"live\",\"result\":\"true\"}]|0.25|late version:much|profile|there is"
                + " no model: the default score applies|late version",
            "other kind|stuck|b|1970-01-01 00:00:03.000|FALSE|[]|there is no profile|other kind"),
        lines(OPTIONS + file()));
  }

  @Test
  void aRuleUsesAFeatureByItsVersionInForceAndTheDecisionNamesIt() throws Exception {
    define(
        Checked.rule("much", 1, 0, "features.part > 20.0"),
        Checked.feature("part", 1, 0, "event.used / 2.0"),
        Checked.feature("part", 2, 2_000, "event.used / double(profile.tariff)"));
    input(
        List.of(
            event("profile", "a", 1_000, null, null, 3L, "c1"),
            event("third", "b", 2_000, "low", 50.5, null, null),
            event("second", "a", 2_000, "low", 50.5, null, null),
            event("first", "a", 1_999, "low", 50.5, null, null)));
    List<String> decided = lines(OPTIONS + file());
    assertEquals(3, decided.size());
    String rule = "[{\"name\":\"much\",\"version\":1,\"mode\":\"live\",\"result\":";
    assertEquals(
        "first|low|a|c1|1970-01-01 00:00:01.999|TRUE|"
            + rule
            + "\"true\",\"features\":{\"part\":1}}]|profile|first",
        decided.get(0));
    assertEquals(
        "second|low|a|c1|1970-01-01 00:00:02.000|FALSE|"
            + rule
            + "\"false\",\"reason\":\"features.part > 20.0 (features.part is 16.833333333333332)\","
            + "\"features\":{\"part\":2}}]|profile|second",
        decided.get(1));
    assertTrue(decided.get(2).contains(rule + "\"error\",\"reason\":"), decided.get(2));
    assertTrue(decided.get(2).contains("; the feature part has no result: "), decided.get(2));
    assertTrue(decided.get(2).contains("\"features\":{\"part\":2}}]"), decided.get(2));
  }

  @Test
  void aProfileIsThatOfBothItsKeysAndIsRefusedOnce() throws Exception {
    input(
        List.of(
            profile("both", "a", "c1"),
            profile("both", "a", "c1"),
            profile("second", null, "c2"),
            profile("second", null, "c2"),
            profile("first", "b", null),
            profile("none", null, null),
            event("e1", "a", 2_000, "low", 1.0, null, null),
            event("e2", "c1", 2_000, "low", 1.0, null, null),
            event("e3", "c2", 2_000, "low", 1.0, null, null),
            event("e4", "b", 2_000, "low", 1.0, null, null)));
    String at = "|1970-01-01 00:00:02.000|FALSE|[]|";
    assertEquals(
        List.of(
            "both|duplicate|an event with this event_id was there before",
            "e1|low|a|c1" + at + "both|e1",
            "e2|low|c1|c1" + at + "both|e2",
            "e3|low|c2|c2" + at + "second|e3",
            "e4|low|b" + at + "first|e4",
            "none|refused|it has no meter",
            "second|duplicate|an event with this event_id was there before"),
        lines(OPTIONS + file()));
  }

  @Test
  void withoutTheFileThereAreNoDefinitions() throws Exception {
    input(List.of(event("e", "a", 1_000, "low", 1.0, null, null)));
    assertEquals(
        List.of("e|low|a|1970-01-01 00:00:01.000|FALSE|[]|there is no profile|e"),
        lines(OPTIONS + file()));
  }

  @Test
  void aWrongOptionIsRefusedByItsName() {
    input(List.of(event("e", "a", 1_000, "low", 1.0, null, null)));
    Map.of(
            "'key' = 'meter'", "'key' = 'used'",
            "'second-key' = 'other'", "'second-key' = 'used'",
            "'id' = 'event_id'", "'id' = 'nothing'",
            "'kind' = 'kind'", "'kind' = 'paid'",
            "'subject' = 'meter'", "'subject' = 'used'",
            "'event' = 'used'", "'event' = 'used,nothing'",
            "'profile' = 'tariff=paid,customer_id'", "'profile' = 'paid=tariff'")
        .forEach(
            (part, wrong) -> {
              String message = refused(OPTIONS.replace(part, wrong) + file());
              assertTrue(message.contains("decisions: " + part.split(" ")[0]), message);
            });
    assertTrue(refused(OPTIONS).contains("'definitions.table' or 'definitions.file' is required"));
    String both = file() + ", 'definitions.table' = 't'";
    assertTrue(refused(OPTIONS + both).contains("one of them"));
    String without = ", 'definitions.table' = 't'";
    assertTrue(refused(OPTIONS + without).contains("decisions: 'aws.region' is missing."));
  }

  private String refused(String options) {
    Exception refused = assertThrows(ValidationException.class, () -> insert(options).explain());
    return ExceptionUtils.stringifyException(refused);
  }

  private String file() {
    return ", 'definitions.file' = '%s'".formatted(folder.resolve("definitions.ndjson").toUri());
  }

  private void define(Version... versions) throws Exception {
    List<String> lines = new ArrayList<>();
    for (Version version : versions) {
      var line = Definition.Json.MAPPER.createObjectNode();
      line.put("kind", version.kind()).put("name", version.name());
      line.put("version", version.version()).put("valid_from", version.validFrom());
      line.put("mode", "live").put("ended", false).put("checked", version.checked());
      line.put("placeholders", version.placeholders());
      line.set("body", Definition.Json.MAPPER.readTree(version.body()));
      lines.add(line.toString());
    }
    Files.write(folder.resolve("definitions.ndjson"), lines);
  }

  private StatementSet insert(String options) {
    tables.executeSql("DROP TEMPORARY TABLE IF EXISTS written");
    tables.executeSql("CREATE TEMPORARY TABLE written (" + COLUMNS + ") WITH (" + options + ")");
    return tables.createStatementSet().addInsertSql("INSERT INTO written SELECT * FROM events");
  }

  private List<String> lines(String options) throws Exception {
    StatementSet set = insert(options);
    port(
        "decisions",
        "id STRING, kind STRING, subject STRING, customer_id STRING, occurred_at TIMESTAMP_LTZ(3),"
            + " passed BOOLEAN, rules STRING, score DOUBLE, action_id STRING, profile_id STRING,"
            + " detail STRING, trace_id STRING");
    port(
        "actions",
        "id STRING, kind STRING, subject STRING, customer_id STRING, channel STRING, title STRING,"
            + " message STRING, score DOUBLE, rule STRING, rule_version BIGINT, template_version"
            + " BIGINT, business_event_id STRING, occurred_at TIMESTAMP_LTZ(3), trace_id STRING,"
            + " event_used DOUBLE, profile_tariff BIGINT, profile_customer_id STRING, event_kind"
            + " STRING, template STRING");
    port("refused", COLUMNS + ", outcome STRING, detail STRING");
    tables.executeSql(
        "CREATE TEMPORARY TABLE collected (line STRING) WITH ('connector' = 'collected')");
    set.addInsertSql("INSERT INTO collected SELECT " + DECISION + " FROM decisions");
    set.addInsertSql("INSERT INTO collected SELECT " + ACTION + " FROM actions");
    set.addInsertSql(
        "INSERT INTO collected SELECT CONCAT_WS('|', event_id, outcome, detail) FROM refused");
    CollectedTableFactory.LINES.clear();
    set.execute().await();
    return CollectedTableFactory.LINES.stream().sorted().toList();
  }

  private void port(String name, String columns) {
    tables.executeSql(
        "CREATE TEMPORARY TABLE `%s` (%s) WITH ('connector' = 'decisions', 'name' = 'test', 'port' = '%s')"
            .formatted(name, columns, name));
  }

  private static Row event(
      String id, String meter, long time, String kind, Double used, Long tariff, String customer) {
    return Row.of(id, meter, Instant.ofEpochMilli(time), kind, used, tariff, customer, null);
  }

  /** A profile with a second key. */
  private static Row profile(String id, String meter, String other) {
    Row row = event(id, meter, 1_000, null, null, 3L, other);
    row.setField(7, other);
    return row;
  }

  private void input(List<Row> events) {
    var type =
        Types.ROW_NAMED(
            new String[] {
              "event_id", "meter", "occurred_at", "kind", "used", "paid", "customer_id", "other"
            },
            Types.STRING,
            Types.STRING,
            Types.INSTANT,
            Types.STRING,
            Types.DOUBLE,
            Types.LONG,
            Types.STRING,
            Types.STRING);
    Schema schema =
        Schema.newBuilder()
            .column("event_id", DataTypes.STRING())
            .column("meter", DataTypes.STRING())
            .column("occurred_at", DataTypes.TIMESTAMP_LTZ(3))
            .column("kind", DataTypes.STRING())
            .column("used", DataTypes.DOUBLE())
            .column("paid", DataTypes.BIGINT())
            .column("customer_id", DataTypes.STRING())
            .column("other", DataTypes.STRING())
            .watermark("occurred_at", "occurred_at - INTERVAL '5' SECOND")
            .build();
    tables.createTemporaryView(
        "events",
        tables.fromDataStream(streams.fromData(type, events.toArray(Row[]::new)), schema));
  }
}
