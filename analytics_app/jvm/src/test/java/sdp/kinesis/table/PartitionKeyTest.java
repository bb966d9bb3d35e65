package sdp.kinesis.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.List;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.VarCharType;
import org.junit.jupiter.api.Test;

/** Partition keys of rows. */
class PartitionKeyTest {
  private static final PartitionKey COLUMNS =
      PartitionKey.columns(
          List.of(
              RowData.createFieldGetter(VarCharType.STRING_TYPE, 0),
              RowData.createFieldGetter(new BigIntType(), 1)),
          "|");

  @Test
  void joinsTheColumns() {
    assertEquals("a|7", COLUMNS.of(row("a", 7L)));
  }

  @Test
  void holdsANullColumn() {
    assertEquals("null|7", COLUMNS.of(row(null, 7L)));
  }

  @Test
  void makesTooLongAKeyShortAndKeepsItTheSameForTheSameValues() {
    String key = COLUMNS.of(row("x".repeat(300), 1L));
    assertEquals(key, COLUMNS.of(row("x".repeat(300), 1L)));
    assertNotEquals(key, COLUMNS.of(row("x".repeat(300), 2L)));
    assertEquals(36, key.length());
  }

  @Test
  void isAnotherOneForEachRowWhenRandomAndTheSameWhenFixed() {
    RowData row = row("a", 1L);
    assertNotEquals(PartitionKey.random().of(row), PartitionKey.random().of(row));
    PartitionKey fixed = PartitionKey.fixed();
    assertEquals(fixed.of(row), fixed.of(row("b", 2L)));
  }

  private static RowData row(String text, Long number) {
    return GenericRowData.of(text == null ? null : StringData.fromString(text), number);
  }
}
