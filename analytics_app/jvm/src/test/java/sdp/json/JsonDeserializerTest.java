package sdp.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.formats.common.TimestampFormat;
import org.apache.flink.formats.json.JsonParserRowDataDeserializationSchema;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.DeserializationFeature;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.Collector;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonDeserializerTest {
  private static final RowType TYPE =
      (RowType)
          DataTypes.ROW(
                  DataTypes.FIELD("name", DataTypes.STRING()),
                  DataTypes.FIELD("city", DataTypes.STRING()),
                  DataTypes.FIELD("price", DataTypes.BIGINT()),
                  DataTypes.FIELD("share", DataTypes.DOUBLE()),
                  DataTypes.FIELD("won", DataTypes.BOOLEAN()),
                  DataTypes.FIELD("at", DataTypes.TIMESTAMP_LTZ(3)))
              .getLogicalType();
  private static final String ORDINARY =
      "{\"name\":\"a-1\",\"city\":\"Köln 🚀\",\"price\":-120,\"won\":true,\"share\":-20.25,"
          + "\"other\":1.5,\"more\":\"x\",\"at\":\"2026-11-21T10:00:00.250Z\"}";

  private final DeserializationSchema<RowData> flink =
      new JsonParserRowDataDeserializationSchema(
          TYPE, InternalTypeInfo.of(TYPE), false, false, TimestampFormat.ISO_8601);
  private final JsonDeserializer ours = new JsonDeserializer(TYPE, flink);

  @BeforeEach
  void open() throws Exception {
    ours.open(null);
  }

  @Test
  void anOrdinaryObjectIsReadWithoutHelp() {
    assertTrue(reads(ORDINARY));
    assertTrue(reads("{}"));
    assertTrue(reads(" { \"name\" : null , \"price\":0}\n"));
    assertTrue(reads("{\"share\":0.30000000000000004,\"other\":17.25}"));
    assertTrue(reads("{\"share\":9007199254740992}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "null",
        "12",
        "[]",
        "[{\"name\":\"a\"},{\"name\":\"b\"}]",
        "{",
        "{\"name\"}",
        "{\"name\":}",
        "{\"name\":\"a\"",
        "{\"name\":\"a\",}",
        "{\"name\":\"a\"\"price\":1}",
        "{'name':'a'}",
        "{\"name\":\"line\nbreak\"}",
        "{\"name\":\"q\\\"uote \\u00e9 \\/\"}",
        "{\"na\\u006de\":\"escaped\"}",
        "{\"name\":7,\"price\":\"7\"}",
        "{\"name\":true,\"won\":\"true\"}",
        "{\"name\":{\"a\":[1,2]},\"city\":[1]}",
        "{\"other\":{\"a\":[1,2]},\"name\":\"x\"}",
        "{\"name\":\"first\",\"name\":\"second\"}",
        "{\"price\":01}",
        "{\"price\":-}",
        "{\"price\":+1}",
        "{\"price\":1.9}",
        "{\"price\":1e3}",
        "{\"price\":9223372036854775807}",
        "{\"price\":9223372036854775808}",
        "{\"price\":-0}",
        "{\"price\":tru}",
        "{\"other\":1.5e3}",
        "{\"other\":1.}",
        "{\"share\":1.5}",
        "{\"share\":3}",
        "{\"share\":-0}",
        "{\"share\":-0.0}",
        "{\"share\":0.1}",
        "{\"share\":00.1}",
        "{\"share\":.1}",
        "{\"share\":1.}",
        "{\"share\":1.5.5}",
        "{\"share\":1.5e3}",
        "{\"share\":1.5E-400}",
        "{\"share\":0.000000000000000001}",
        "{\"share\":0.0000000000000000001}",
        "{\"share\":999999999999999999}",
        "{\"share\":9007199254740993}",
        "{\"share\":90071992547409.93}",
        "{\"share\":0.9007199254740993}",
        "{\"share\":12345678901234567890.5}",
        "{\"share\":\"1.5\"}",
        "{\"price\":1.0}",
        "{\"name\":1.50}",
        "{\"won\":1.5}",
        "{\"won\":1}",
        "{\"at\":\"2026-11-21T10:00:00Z\"}",
        "{\"at\":\"2026-11-21T10:00:00.5Z\"}",
        "{\"at\":\"2026-11-21T10:00:00.123456Z\"}",
        "{\"at\":\"2026-11-21T10:00:00.Z\"}",
        "{\"at\":\"2026-11-21T10:00:00\"}",
        "{\"at\":\"2026-11-21T10:00Z\"}",
        "{\"at\":\"2026-11-21T10:00:00+01:00\"}",
        "{\"at\":\"2026-11-21 10:00:00Z\"}",
        "{\"at\":\"2024-02-29T23:59:59.999Z\"}",
        "{\"at\":\"2026-02-29T10:00:00Z\"}",
        "{\"at\":\"2026-02-30T10:00:00Z\"}",
        "{\"at\":\"2026-13-01T10:00:00Z\"}",
        "{\"at\":\"2026-11-21T24:00:00Z\"}",
        "{\"at\":\"2026-11-21T10:00:60Z\"}",
        "{\"at\":\"0000-01-01T00:00:00Z\"}",
        "{\"at\":\"1969-12-31T23:59:59.999Z\"}",
        "{\"at\":1763719200000}",
        "{\"at\":\"\"}",
        "{\"at\":\"Z\"}"
      })
  void whatIsNotOrdinaryIsReadAsFlinkReadsIt(String json) {
    assertReadsAsFlink(json.getBytes(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"name\":\"a\"}\n{\"name\":\"b\"}\n",
        "{\"name\":\"a\"}{\"name\":\"b\"}",
        "{\"name\":\"a\"} trailing",
        "{\"name\":\"a\"},",
        "{\"name\":{\"a\":1}}\n{}",
        "[{\"name\":\"a\"}]\n[]",
        "{}\u0000"
      })
  void aRecordOfMoreThanOneValueIsAnError(String json) {
    assertEquals(List.of("error"), read(ours, json.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void anyChangeOfAnyByteIsReadAsFlinkReadsIt() {
    byte[] bytes = ORDINARY.getBytes(StandardCharsets.UTF_8);
    Random random = new Random(1);
    for (int round = 0; round < 20_000; round++) {
      byte[] changed = bytes.clone();
      for (int changes = random.nextInt(3); changes >= 0; changes--) {
        changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
      }
      assertReadsAsFlink(changed);
    }
  }

  @Test
  void anyDecimalIsReadAsFlinkReadsIt() {
    Random random = new Random(3);
    for (int round = 0; round < 50_000; round++) {
      StringBuilder number = new StringBuilder(random.nextBoolean() ? "-" : "");
      number.append(random.nextLong(power(random))).append('.');
      for (int decimals = random.nextInt(1, 12); decimals > 0; decimals--) {
        number.append(random.nextInt(10));
      }
      assertReadsAsFlink(("{\"share\":" + number + "}").getBytes(StandardCharsets.UTF_8));
    }
  }

  private static long power(Random random) {
    return (long) Math.pow(10, random.nextInt(1, 12));
  }

  @Test
  void anyBytesInATextAreReadAsFlinkReadsThem() {
    Random random = new Random(2);
    for (int round = 0; round < 20_000; round++) {
      byte[] json = "{\"city\":\"......\"}".getBytes(StandardCharsets.UTF_8);
      for (int i = 9; i < 15; i++) {
        json[i] = (byte) (0x80 + random.nextInt(0x80));
      }
      assertReadsAsFlink(json);
    }
  }

  private void assertReadsAsFlink(byte[] json) {
    List<String> expected = somethingFollows(json) ? List.of("error") : read(flink, json);
    assertEquals(expected, read(ours, json), () -> new String(json, StandardCharsets.UTF_8));
  }

  /** Whether the bytes are JSON only as long as nobody looks at what follows the first value. */
  private static boolean somethingFollows(byte[] json) {
    return canBeRead(new ObjectMapper(), json)
        && !canBeRead(
            new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS), json);
  }

  private static boolean canBeRead(ObjectMapper mapper, byte[] json) {
    try {
      mapper.readTree(json);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static boolean reads(String json) {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    return new FlatObject(TYPE).read(bytes, new GenericRowData(TYPE.getFieldCount()));
  }

  /** The rows as text, or that there was an error. */
  private static List<String> read(DeserializationSchema<RowData> schema, byte[] json) {
    List<String> rows = new ArrayList<>();
    try {
      schema.deserialize(
          json,
          new Collector<>() {
            @Override
            public void collect(RowData row) {
              rows.add(row.toString());
            }

            @Override
            public void close() {}
          });
    } catch (Exception e) {
      return List.of("error");
    }
    return rows;
  }
}
