package sdp.decisions;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.junit.jupiter.api.Test;
import sdp.keyed.Block;
import sdp.keyed.Packed;

/** For which keys a row is packed, and with what. */
class PackInputsTest {
  private static final LogicalTypeRoot[] TYPES = {
    LogicalTypeRoot.VARCHAR,
    LogicalTypeRoot.VARCHAR,
    LogicalTypeRoot.VARCHAR,
    LogicalTypeRoot.VARCHAR,
    LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE,
    LogicalTypeRoot.VARBINARY,
    LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE
  };
  private static final int RECEIPT = 1 << 5 | 1 << 6;

  @Test
  void aProfileIsPackedForEachOfItsKeysAndHasItsReceiptOnce() throws Exception {
    assertEquals(List.of("1 card receipt", "2 customer"), packed("card", "customer", null));
    assertEquals(List.of("1 customer receipt"), packed(null, "customer", null));
    assertEquals(List.of("1 card receipt"), packed("card", null, null));
    assertEquals(List.of("1 - receipt"), packed(null, null, null));
  }

  @Test
  void aBusinessEventHasOneKey() throws Exception {
    assertEquals(List.of("0 card receipt"), packed("card", "customer", "low"));
    assertEquals(List.of("0 - receipt"), packed(null, "customer", "low"));
  }

  private static List<String> packed(String key, String second, String kind) throws Exception {
    PackInputs pack = new PackInputs(new PackInputs.Columns(TYPES, 0, 1, 2, 3, 4, 5, 6));
    TimestampData time = TimestampData.fromEpochMillis(1_000);
    List<String> found = new ArrayList<>();
    try (var harness = new OneInputStreamOperatorTestHarness<RowData, Packed>(pack)) {
      harness.open();
      harness.processElement(
          GenericRowData.of(
              StringData.fromString(key),
              StringData.fromString(second),
              StringData.fromString(kind),
              StringData.fromString("id"),
              time,
              "{}".getBytes(UTF_8),
              time),
          0);
      harness.extractOutputValues().forEach(each -> found.add(words(each)));
    }
    return found;
  }

  private static String words(Packed packed) {
    byte[] bytes = packed.bytes();
    String key =
        packed.hasKey() ? new String(bytes, packed.keyAt(), packed.keyLength(), UTF_8) : "-";
    long receipt = Block.columns(bytes, Packed.BLOCK) & RECEIPT;
    assertEquals(1_000, packed.time());
    return packed.kind() + " " + key + (receipt == RECEIPT ? " receipt" : receipt == 0 ? "" : "?");
  }
}
