package sdp.functions;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;

/** A dead letter carries a record's bytes, as far as a stream takes them. */
class EncloseTest {
  private static final int LIMIT = 1_000;
  private final Enclose function = new Enclose();

  @Test
  void enclosesBytesAsTheyAreUpToTheLimit() {
    byte[] data = random(LIMIT);
    assertEquals(Row.of(data, null, null), function.eval(data, LIMIT));
  }

  @Test
  void compressesMoreThanThatAndSaysSo() throws IOException {
    byte[] data = new byte[LIMIT + 1];
    Row enclosed = function.eval(data, LIMIT);
    assertEquals("gzip", enclosed.getField(1));
    var packed = new ByteArrayInputStream((byte[]) enclosed.getField(0));
    assertArrayEquals(data, new GZIPInputStream(packed).readAllBytes());
  }

  @Test
  void saysWhereTheBytesAreWhenTheyCannotBeEnclosed() {
    Row enclosed = function.eval(random(2 * LIMIT), LIMIT);
    assertNull(enclosed.getField(0));
    assertEquals(
        "; its 2000 bytes are too many for a dead letter: read them in its source",
        enclosed.getField(2));
  }

  @Test
  void enclosesNothingOfNothing() {
    assertEquals(Row.of(null, null, null), function.eval(null, LIMIT));
  }

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(7).nextBytes(bytes);
    return bytes;
  }
}
