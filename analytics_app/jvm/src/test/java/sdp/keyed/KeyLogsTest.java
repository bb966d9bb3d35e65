package sdp.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
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

  // --- many small keys --------------------------------------------------------------------------

  private static final int MANY = 200_000;

  @Test
  void moreKeysThanTheIndexHasRoomForAreFoundAndClosed() throws Exception {
    withRoomFor(10 * MANY);
    putMany(MANY);
    assertEquals(MANY, logs.open());
    for (int key = 0; key < MANY; key += 7) {
      assertTrue(findSmall(key), "key " + key);
      assertEquals(key, Bytes.getInt(logs.bytes(), logs.payloadAt()));
    }
    for (int key = MANY; key < MANY + 20_000; key++) {
      assertFalse(findSmall(key), "key " + key);
    }
    logs.advance(Long.MAX_VALUE, this::remove);
    assertEquals(MANY, closed);
    assertEquals(0, logs.open());
    assertTrue(state.isEmpty(), "state is left behind");
  }

  @Test
  void keysThatChangeOrAreRemovedWhileTheyAreColdAreAsIfTheyWereNot() throws Exception {
    withRoomFor(10 * MANY);
    putMany(MANY);
    for (int key = 0; key < MANY; key += 3) {
      assertTrue(findSmall(key));
      if (key % 2 == 0) {
        logs.remove(hash(key), bytes(key), 0, 4);
      } else {
        putSmall(key, -key);
      }
      logs.relieve();
    }
    logs.flush();
    assertTheyChanged();
    withRoomFor(10 * MANY);
    logs.restore();
    assertTheyChanged();
  }

  private void assertTheyChanged() throws Exception {
    for (int key = 0; key < MANY; key++) {
      boolean isRemoved = key % 6 == 0;
      assertEquals(!isRemoved, findSmall(key), "key " + key);
      if (!isRemoved) {
        int payload = Bytes.getInt(logs.bytes(), logs.payloadAt());
        assertEquals(key % 3 == 0 ? -key : key, payload);
      }
    }
    assertEquals(MANY - (MANY + 5) / 6, logs.open());
  }

  @Test
  void aKeyThatChangesAgainAndAgainTakesTheRoomOfOne() throws Exception {
    HeapBudget heap = new HeapBudget("test", 10 * MANY);
    logs = new KeyLogs(state, heap, 4, 0, 4, STEP);
    for (int i = 0; i < MANY; i++) {
      assertEquals(i > 0, findSmall(7));
      putSmall(7, i);
    }
    assertTrue(heap.dirty() < 1_000, heap.dirty() + " bytes");
    assertTrue(findSmall(7));
    assertEquals(MANY - 1, Bytes.getInt(logs.bytes(), logs.payloadAt()));
    logs.advance(Long.MAX_VALUE, this::remove);
    assertEquals(1, closed);
  }

  @Test
  void anIndexThatDoesNotFitIsASentence() {
    withRoomFor(MANY);
    Exception refused = assertThrows(IllegalStateException.class, () -> putMany(MANY));
    assertTrue(refused.getMessage().startsWith("test: the index of the open keys needs"));
  }

  private void withRoomFor(long bytes) {
    logs = new KeyLogs(state, new HeapBudget("test", bytes), 4, 0, 4, STEP);
  }

  private void putMany(int count) throws Exception {
    for (int key = 0; key < count; key++) {
      assertFalse(findSmall(key));
      putSmall(key, key);
      logs.relieve();
    }
  }

  private boolean findSmall(int key) throws Exception {
    return logs.find(key & 3, hash(key), bytes(key), 0, 4);
  }

  private void putSmall(int key, int payload) throws Exception {
    logs.put(hash(key), bytes(key), 0, 4, bytes(payload), 4, key / 1_000);
  }

  private static long hash(int key) {
    return Bytes.hash(bytes(key), 0, 4);
  }

  private static byte[] bytes(int key) {
    byte[] bytes = new byte[4];
    Bytes.putInt(bytes, 0, key);
    return bytes;
  }
}
