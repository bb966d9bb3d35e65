package sdp.ledger;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which receipts are known, and how they are found in a record. */
class ReceiptsTest {
  private static final long MINUTE = 60_000;

  @Test
  void knowsExactlyWhatItHasNoted() {
    Receipts receipts = new Receipts();
    Random random = new Random(3);
    Set<Long> noted = new HashSet<>();
    for (int i = 0; i < 50_000; i++) {
      long request = random.nextInt(200);
      long receipt = request << 9 | random.nextInt(500);
      assertEquals(!noted.add(receipt), receipts.add(request * 997, receipt));
    }
  }

  @Test
  void theSameReceiptOfAnotherMillisecondIsAnother() {
    Receipts receipts = new Receipts();
    assertFalse(receipts.add(1_000, 7));
    assertFalse(receipts.add(1_001, 7));
    assertTrue(receipts.add(1_000, 7));
  }

  @Test
  void whatSeveralSubtasksHaveWrittenIsKnownAfterARestart() throws Exception {
    Receipts one = new Receipts();
    Receipts other = new Receipts();
    one.add(1_000, 7);
    other.add(1_000, 8);
    other.add(99 * MINUTE, 7);
    Receipts restored = new Receipts();
    for (byte[] bytes : new byte[][] {one.write(), other.write(), one.write()}) {
      restored.restore(bytes);
    }
    assertTrue(restored.add(1_000, 7));
    assertTrue(restored.add(1_000, 8));
    assertTrue(restored.add(99 * MINUTE, 7));
    assertFalse(restored.add(1_000, 9));
  }

  /** A shard that is far behind keeps its minute, for that still has records. */
  @Test
  void theMinuteWithoutRecordsForTheLongestTimeIsForgotten() {
    Receipts receipts = new Receipts();
    receipts.add(0, 1);
    receipts.add(MINUTE, 1);
    for (int minute = 2; minute < 2 * Receipts.MAX_MINUTES; minute++) {
      receipts.add(minute * MINUTE, 1);
      receipts.add(0, minute);
    }
    assertTrue(receipts.add(0, 1));
    assertFalse(receipts.add(MINUTE, 1));
  }

  @Test
  void itsSizeIsBounded() throws Exception {
    Receipts receipts = new Receipts();
    for (int i = 0; i < 3 * Receipts.MAX_WORDS; i++) {
      receipts.add(i, (long) i << 9);
    }
    int minuteOfWords = 60_000;
    assertTrue(receipts.write().length < 16 * (Receipts.MAX_WORDS + minuteOfWords) + 1_000);
    assertTrue(receipts.add(3 * Receipts.MAX_WORDS - 1, 3L * Receipts.MAX_WORDS - 1 << 9));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"a":1,"receipt":9007199254740991} | 9007199254740991
          {"receipt":0} | 0
          {"a":"receipt","receipts":5} | -1
          {"receipt":} | -1
          {"receipt":5,"a":7} | -1
          {"receipt":12345678901234567890} | -1
          receipt:5} | -1
          {} | -1
          5} | -1
          } | -1
          """)
  void aReceiptIsTheLastMember(String json, long receipt) {
    byte[] bytes = json.getBytes(UTF_8);
    assertEquals(receipt, Stamp.last(bytes, 0, bytes.length));
    byte[] line = ("xx" + json + "\n").getBytes(UTF_8);
    assertEquals(receipt, Stamp.last(line, 2, line.length));
  }
}
