package sdp.decisions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.OutputTag;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sdp.definitions.DefinitionStore;
import sdp.definitions.DefinitionsInput;
import sdp.definitions.DynamoStore;
import sdp.definitions.FakeTable;
import sdp.definitions.Version;
import sdp.keyed.Ports;
import sdp.scores.Artifact;
import sdp.scores.FileModels;
import sdp.scores.Model;
import sdp.scores.OnnxModel;

/** Rows scored by a real model, as its versions are promoted in a table of definitions. */
class ScoringOperatorTest {
  private static final String[] COLUMNS = {
    "tx_id", "domain", "bid_price", "at", "campaign_item_id", "creative_id", "creative_category"
  };
  private static final RowType ROWS =
      RowType.of(
          new LogicalType[] {
            DataTypes.STRING().getLogicalType(),
            DataTypes.STRING().getLogicalType(),
            DataTypes.BIGINT().getLogicalType(),
            DataTypes.TIMESTAMP_LTZ(3).getLogicalType(),
            DataTypes.BIGINT().getLogicalType(),
            DataTypes.STRING().getLogicalType(),
            DataTypes.STRING().getLogicalType()
          },
          COLUMNS);
  private static final int AT = 3;
  private static final byte[] GRAPH = graph();
  private static FakeTable table;
  private static int failures;

  @TempDir private Path folder;
  private final OutputTag<RowData> port = port();
  private OneInputStreamOperatorTestHarness<RowData, RowData> harness;

  private static byte[] graph() {
    try (var stream = OnnxModel.class.getResourceAsStream("win.onnx")) {
      return stream.readAllBytes();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static OutputTag<RowData> port() {
    Ports ports = new Ports("test");
    List<String> names = new ArrayList<>(ROWS.getFieldNames());
    names.addAll(List.of("score", "model_version"));
    List<LogicalType> types = new ArrayList<>(ROWS.getChildren());
    types.add(DataTypes.DOUBLE().getLogicalType());
    types.add(DataTypes.STRING().getLogicalType());
    ports.add("scored", names, types);
    return ports.tag("scored");
  }

  /** The table, which cannot be read a few times. */
  private record Failing(DefinitionStore store) implements DefinitionStore {
    @Override
    public Update read(long reaching) {
      if (failures > 0) {
        failures--;
        throw new UnavailableException("the table is away", null);
      }
      return store.read(reaching);
    }

    @Override
    public void close() {
      store.close();
    }
  }

  @BeforeEach
  void start() {
    table = new FakeTable();
    failures = 0;
  }

  private void open(Duration patience) throws Exception {
    Stores stores =
        new Stores(
            new DefinitionsInput(
                () -> new Failing(new DynamoStore(table, FakeTable.NAME, Clock.systemUTC(), false)),
                false,
                1_000),
            FileModels::new);
    var operator = new ScoringOperator("test", ROWS, AT, stores, port, patience);
    harness = new OneInputStreamOperatorTestHarness<>(operator);
    harness.open();
  }

  @AfterEach
  void end() throws Exception {
    harness.close();
  }

  private Version promoted(long version, long validFrom, byte[] file, byte[] announced)
      throws IOException {
    Path path = folder.resolve("m" + version);
    Files.write(path, file);
    String body =
        "{\"model_version\": \"m%d\", \"uri\": \"%s\", \"fingerprint\": \"%s\"}"
            .formatted(version, path.toUri(), Artifact.fingerprint(announced));
    return new Version("model", "win", version, validFrom, true, false, body, null, null);
  }

  private static GenericRowData row(String id, Long price, long at) {
    return GenericRowData.of(
        StringData.fromString(id),
        StringData.fromString("goal.example"),
        price,
        TimestampData.fromEpochMillis(at),
        77L,
        StringData.fromString("creative_id-3"),
        null);
  }

  private void add(String id, Long price, long at) throws Exception {
    harness.processElement(new StreamRecord<>(row(id, price, at)));
  }

  /** What left: id, version, and the score. */
  private List<String> left() {
    var rows = harness.getSideOutput(port);
    List<String> lines = new ArrayList<>();
    if (rows != null) {
      rows.forEach(
          record -> {
            RowData row = record.getValue();
            String version = row.isNullAt(8) ? null : row.getString(8).toString();
            assertEquals(version == null, row.isNullAt(7));
            lines.add(row.getString(0) + " " + version);
          });
    }
    return lines;
  }

  @Test
  void eachRowHasTheScoreOfTheModelThatWasInForceAtItsTime() throws Exception {
    assertTrue(table.put(promoted(1, 2_000, GRAPH, GRAPH)));
    assertTrue(table.put(promoted(2, 3_000, GRAPH, GRAPH)));
    open(Duration.ofSeconds(30));
    List<String> expected = new ArrayList<>();
    for (int n = 0;
        n < 300;
        n++) { // over both instants, again and again, more than are scored at once
      long at = new long[] {1_999, 2_000, 2_999, 3_000}[n % 4];
      add("t" + n, 100L + n, at);
      expected.add("t%d %s".formatted(n, at < 2_000 ? null : at < 3_000 ? "m1" : "m2"));
    }
    harness.processWatermark(new Watermark(10_000));
    assertEquals(expected.stream().sorted().toList(), left().stream().sorted().toList());
    try (Model model = OnnxModel.of(GRAPH)) {
      for (StreamRecord<RowData> record : harness.getSideOutput(port)) {
        RowData row = record.getValue();
        if (!row.isNullAt(7)) {
          assertEquals(score(model, row), row.getDouble(7), 1e-12);
        }
      }
    }
  }

  private static double score(Model model, RowData row) {
    Object[] values =
        model.inputs().stream()
            .map(
                input ->
                    switch (input.name()) {
                      case "bid_price" -> (Object) row.getLong(2);
                      case "campaign_item_id" -> "77";
                      case "domain" -> "goal.example";
                      case "creative_id" -> "creative_id-3";
                      default -> null;
                    })
            .toArray();
    return model.scores(List.<Object[]>of(values))[0];
  }

  @Test
  void withoutAModelRowsGoOnAtOnceAndWithOneAtTheNextWatermarkOrCheckpoint() throws Exception {
    open(Duration.ofSeconds(30));
    add("none", 5L, 1_000);
    assertEquals(List.of("none null"), left());
    long from = table.instant() + 60_000;
    assertTrue(table.put(promoted(1, from, GRAPH, GRAPH)));
    add("before", 5L, from - 1);
    add("after", 5L, from);
    assertEquals(List.of("none null", "before null"), left());
    harness.prepareSnapshotPreBarrier(1);
    assertEquals(List.of("none null", "before null", "after m1"), left());
    assertEquals(0, harness.snapshot(1, 1).getManagedOperatorState().size());
  }

  @Test
  void noVersionCanBeAddedForATimeThatHasBeenScored() throws Exception {
    open(Duration.ofSeconds(30));
    long ahead = System.currentTimeMillis() + 240_000;
    add("ahead", 5L, ahead);
    assertEquals(List.of("ahead null"), left());
    assertFalse(table.put(promoted(1, ahead, GRAPH, GRAPH)));
    assertTrue(table.put(promoted(1, ahead + 1, GRAPH, GRAPH)));
    add("again", 5L, ahead);
    add("later", 5L, ahead + 1);
    harness.processWatermark(new Watermark(ahead));
    assertEquals(List.of("ahead null", "again null", "later m1"), left());
  }

  @Test
  void aModelThatIsMissingCorruptOrAnotherFileStopsNothing() throws Exception {
    byte[] corrupt = {1, 2, 3};
    assertTrue(table.put(promoted(1, 1_000, corrupt, corrupt)));
    assertTrue(table.put(promoted(2, 2_000, corrupt, GRAPH)));
    Version missing = promoted(3, 3_000, GRAPH, GRAPH);
    Files.delete(folder.resolve("m3"));
    assertTrue(table.put(missing));
    assertTrue(table.put(new Version("model", "win", 4, 4_000, true, false, "{}", null, null)));
    assertTrue(table.put(promoted(5, 5_000, GRAPH, GRAPH)));
    assertTrue(table.put(Checked.ended(promoted(6, 6_000, GRAPH, GRAPH), 6, 6_000)));
    open(Duration.ofSeconds(30));
    for (int n = 1; n <= 6; n++) {
      add("t" + n, 5L, n * 1_000L);
    }
    add("no price", null, 5_000);
    harness.processWatermark(new Watermark(10_000));
    assertEquals(
        List.of("no price null", "t1 null", "t2 null", "t3 null", "t4 null", "t5 m5", "t6 null"),
        left().stream().sorted().toList());
  }

  @Test
  void aTableThatIsAwayDelaysOnceAndStopsNothing() throws Exception {
    failures = 2;
    assertTrue(table.put(promoted(1, 1_000, GRAPH, GRAPH)));
    open(Duration.ofMillis(50));
    add("away", 5L, 2_000);
    long start = System.nanoTime();
    for (int n = 0; n < 100; n++) {
      add("still away", 5L, 2_000);
    }
    assertTrue(System.nanoTime() - start < 1_500_000_000L, "nobody waits a second time");
    assertEquals("away null", left().get(0));
    while (true) {
      add("back", 5L, 2_000);
      harness.processWatermark(new Watermark(2_000));
      List<String> left = left();
      if (left.get(left.size() - 1).equals("back m1")) {
        break;
      }
      Thread.sleep(20);
    }
    assertNotEquals(Long.MIN_VALUE, table.instant());
  }
}
