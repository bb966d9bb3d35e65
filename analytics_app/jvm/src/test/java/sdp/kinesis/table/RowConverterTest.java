package sdp.kinesis.table;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.junit.jupiter.api.Test;

/** Records made of rows. */
class RowConverterTest {
  private static final SerializationSchema<RowData> TEXT =
      row -> row.getString(0).toString().getBytes(StandardCharsets.UTF_8);

  @Test
  void endsALineWhereRecordsAreLines() {
    assertEquals("{}\n", converted(true));
    assertEquals("{}", converted(false));
  }

  private static String converted(boolean lines) {
    var converter = new RowConverter(TEXT, PartitionKey.fixed(), lines);
    RowData row = GenericRowData.of(StringData.fromString("{}"));
    return new String(converter.apply(row, null).data(), StandardCharsets.UTF_8);
  }
}
