package sdp.functions;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.BooleanType;
import org.apache.flink.table.types.logical.CharType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.VarCharType;
import org.junit.jupiter.api.Test;

class ColumnsTest {

  private static final LogicalType TEXT = new VarCharType(VarCharType.MAX_LENGTH);
  private static final LogicalType NUMBER = new BigIntType();
  private static final Columns BEFORE = new Columns(List.of("who", "price"), List.of(TEXT, NUMBER));
  private static final Object[] ROW = {StringData.fromString("a"), 7L};

  @Test
  void aColumnAddedAnywhereReadsAsNullFromWhatWasWrittenBefore() throws IOException {
    Columns after =
        new Columns(List.of("colour", "who", "size", "price"), List.of(TEXT, TEXT, NUMBER, NUMBER));
    assertArrayEquals(new Object[] {null, ROW[0], null, 7L}, after.read(written(BEFORE, ROW)));
  }

  @Test
  void columnsInAnotherOrderKeepTheirValues() throws IOException {
    Columns after = new Columns(List.of("price", "who"), List.of(NUMBER, TEXT));
    assertArrayEquals(new Object[] {7L, ROW[0]}, after.read(written(BEFORE, ROW)));
  }

  @Test
  void nothingIsWrittenOfNulls() throws IOException {
    assertArrayEquals(new Object[2], BEFORE.read(written(BEFORE, new Object[2])));
    assertEquals(2, written(BEFORE, new Object[2]).available());
  }

  @Test
  void aFieldAddedToANestedRowReadsAsNull() throws IOException {
    RowType old = RowType.of(new LogicalType[] {NUMBER}, new String[] {"b"});
    RowType wider = RowType.of(new LogicalType[] {TEXT, NUMBER}, new String[] {"a", "b"});
    Object[] row = {GenericRowData.of(5L)};
    Columns before = new Columns(List.of("place"), List.of(old));
    Columns after = new Columns(List.of("place"), List.of(wider));
    assertArrayEquals(new Object[] {GenericRowData.of(null, 5L)}, after.read(written(before, row)));
  }

  @Test
  void textIsTextWhateverItsLength() throws IOException {
    Columns fixed = new Columns(List.of("who", "price"), List.of(new CharType(1), NUMBER));
    assertArrayEquals(ROW, fixed.read(written(BEFORE, ROW)));
  }

  @Test
  void aColumnThatIsGoneOrHasAnotherTypeIsSaidNotMisread() {
    Columns gone = new Columns(List.of("who"), List.of(TEXT));
    Columns other = new Columns(List.of("who", "price"), List.of(TEXT, new BooleanType()));
    for (Columns after : List.of(gone, other)) {
      IOException said = assertThrows(IOException.class, () -> after.read(written(BEFORE, ROW)));
      assertTrue(said.getMessage().contains("keep every column"), said.getMessage());
    }
  }

  @Test
  void columnsThatCannotBeToldApartAreRefused() {
    // These two texts have one hash code.
    ValidationException said =
        assertThrows(
            ValidationException.class, () -> new Columns(List.of("Aa", "BB"), List.of(TEXT, TEXT)));
    assertTrue(said.getMessage().contains("'Aa' and 'BB'"), said.getMessage());
  }

  private static DataInputDeserializer written(Columns columns, Object[] row) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(16);
    columns.write(row, out);
    return new DataInputDeserializer(out.getCopyOfBuffer());
  }
}
