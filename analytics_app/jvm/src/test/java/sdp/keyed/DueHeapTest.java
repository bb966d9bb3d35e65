package sdp.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.PriorityQueue;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DueHeapTest {
  @ParameterizedTest
  @ValueSource(ints = {3, 100, 1_000_000})
  void logsLeaveInTheOrderOfTheirTimes(int times) {
    DueHeap heap = new DueHeap();
    PriorityQueue<Long> expected = new PriorityQueue<>();
    Random random = new Random(times);
    for (int i = 0; i < 50_000; i++) {
      if (random.nextInt(9) < (i < 25_000 ? 5 : 4)) {
        Log log = new Log(null, random.nextInt(times) - times / 2, 1, 0);
        heap.add(log);
        expected.add(log.due);
      } else if (!expected.isEmpty()) {
        assertEquals(expected.poll(), heap.peek().due);
        heap.remove();
      }
    }
    for (; !expected.isEmpty(); heap.remove()) {
      assertEquals(expected.poll(), heap.peek().due);
    }
    assertNull(heap.peek());
  }
}
