package sdp.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Large keys that come into one log together: more than a position can name. */
class KeyLogsTest {
  private static final int KEYS = 24;
  private static final int LENGTH = 1 << 20;
  private static final int STEP = 10;

  private final MemoryChunks state = new MemoryChunks();
  private final byte[] payload = new byte[LENGTH];
  private KeyLogs logs;
  private int closed;

  @BeforeEach
  void start() {
    logs = new KeyLogs(state, new HeapBudget("test", 1L << 30), 1, 0, 1, STEP);
    closed = 0;
  }

  @Test
  void keysThatAreAllPutAgainWhereTheirLogsClose() throws Exception {
    putEach();
    logs.advance(1_000, this::putAgain);
    assertTheyAreThere();
  }

  @Test
  void keysThatAreAllPutAgainAfterAChangeOfLayout() throws Exception {
    putEach();
    logs.flush();
    start();
    logs.restore();
    logs.rewrite(this::putAgain);
    assertTheyAreThere();
  }

  /** The keys are due one after the other, so that each has a log of its own. */
  private void putEach() throws Exception {
    for (int key = 0; key < KEYS; key++) {
      logs.find(0, key, bytes(key), 0, 4);
      put(key, STEP * (key + 1));
    }
  }

  private void putAgain(long hash) throws Exception {
    put((int) hash, 2_000);
  }

  private void put(int key, long dueAt) throws Exception {
    Arrays.fill(payload, (byte) key);
    logs.put(key, bytes(key), 0, 4, payload, LENGTH, dueAt);
  }

  private void assertTheyAreThere() throws Exception {
    assertEquals(KEYS, logs.open());
    for (int key = 0; key < KEYS; key++) {
      assertTrue(logs.find(0, key, bytes(key), 0, 4));
      assertEquals(key, logs.bytes()[logs.payloadAt() + LENGTH - 1]);
    }
    logs.advance(Long.MAX_VALUE, this::remove);
    assertEquals(KEYS, closed);
    assertEquals(0, logs.open());
    assertTrue(state.isEmpty(), "state is left behind");
  }

  private void remove(long hash) throws Exception {
    closed++;
    logs.remove(hash, logs.bytes(), logs.keyAt(), logs.keyLength());
  }

  private static byte[] bytes(int key) {
    byte[] bytes = new byte[4];
    Bytes.putInt(bytes, 0, key);
    return bytes;
  }
}
