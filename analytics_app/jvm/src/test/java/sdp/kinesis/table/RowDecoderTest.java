package sdp.kinesis.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.util.Collector;
import org.junit.jupiter.api.Test;
import sdp.kinesis.stream.KinesisRecord;

/** Rows made of records, readable and not. */
class RowDecoderTest {
  private static final LogicalType BIGINT = new BigIntType();
  private static final int MAX_BYTES = 12;

  /** Numbers parted by commas, one row each: (number, its double). */
  private static final class Numbers extends AbstractDeserializationSchema<RowData> {
    @Override
    public RowData deserialize(byte[] message) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void deserialize(byte[] message, Collector<RowData> out) throws IOException {
      String text = new String(message, StandardCharsets.UTF_8);
      for (String number : text.isEmpty() ? new String[0] : text.split(",")) {
        long value = Long.parseLong(number);
        out.collect(GenericRowData.of(value, 2 * value));
      }
    }
  }

  @Test
  void putsTheMetadataBehindTheColumns() {
    List<RowData> rows = decode("21", Metadata.values());
    assertEquals(1, rows.size());
    RowData row = rows.get(0);
    assertEquals(42L, row.getLong(0));
    assertEquals(StringData.fromString("shard"), row.getString(1));
    assertEquals(StringData.fromString("17"), row.getString(2));
    assertEquals(TimestampData.fromEpochMillis(1_000), row.getTimestamp(3, 3));
    assertEquals(StringData.fromString("key"), row.getString(4));
    assertEquals("21", new String(row.getBinary(5), StandardCharsets.UTF_8));
  }

  @Test
  void makesARowWithBytesAndNullsOfWhatCannotBeDecoded() {
    List<RowData> rows = decode("poison", Metadata.DATA);
    assertEquals(1, rows.size());
    assertTrue(rows.get(0).isNullAt(0));
    assertEquals("poison", new String(rows.get(0).getBinary(1), StandardCharsets.UTF_8));
  }

  @Test
  void doesNotReadARecordThatIsTooLarge() {
    assertFalse(decode("1".repeat(MAX_BYTES), Metadata.DATA).get(0).isNullAt(0));
    RowData row = decode("1".repeat(MAX_BYTES + 1), Metadata.DATA).get(0);
    assertTrue(row.isNullAt(0));
    assertEquals(MAX_BYTES + 1, row.getBinary(1).length);
  }

  @Test
  void makesARowOfARecordInWhichTheFormatFindsNothing() {
    List<RowData> rows = decode("", Metadata.SHARD_ID);
    assertEquals(1, rows.size());
    assertTrue(rows.get(0).isNullAt(0));
  }

  @Test
  void keepsNoneOfTheRowsOfARecordThatFailsHalfway() {
    List<RowData> rows = decode("1,2,poison", Metadata.SHARD_ID);
    assertEquals(1, rows.size());
    assertTrue(rows.get(0).isNullAt(0));
  }

  @Test
  void tellsARecordThatCannotBeDecodedFromOneThatCan() {
    assertTrue(isDecoded("1,2"));
    assertFalse(isDecoded("poison"));
    assertFalse(isDecoded("1".repeat(MAX_BYTES + 1)));
  }

  private static boolean isDecoded(String data) {
    return decoder().decode(record(data), collector(new ArrayList<>()));
  }

  @Test
  void makesSeveralRowsOfOneRecord() {
    assertEquals(2, decode("1,2", Metadata.SHARD_ID).size());
  }

  private static List<RowData> decode(String data, Metadata... metadata) {
    List<RowData> rows = new ArrayList<>();
    decoder(metadata).decode(record(data), collector(rows));
    return rows;
  }

  private static RowDecoder decoder(Metadata... metadata) {
    DeserializationSchema<RowData> format = new Numbers();
    List<RowData.FieldGetter> second = List.of(RowData.createFieldGetter(BIGINT, 1));
    return new RowDecoder(format, second, List.of(metadata), MAX_BYTES);
  }

  private static KinesisRecord record(String data) {
    return new KinesisRecord("shard", "17", "key", 1_000, data.getBytes(StandardCharsets.UTF_8));
  }

  private static Collector<RowData> collector(List<RowData> rows) {
    return new Collector<>() {
      @Override
      public void collect(RowData row) {
        rows.add(row);
      }

      @Override
      public void close() {}
    };
  }
}
