package sdp.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class HeapBudgetTest {
  private static final long MIB = 1 << 20;

  @Test
  void aLargeArrayTakesWholeRegions() {
    assertEquals(MIB / 4 + 16, HeapBudget.footprint(MIB / 4, MIB));
    assertEquals(MIB, HeapBudget.footprint(MIB / 2, MIB));
    assertEquals(3 * MIB, HeapBudget.footprint(2 * MIB, MIB));
    assertEquals(2 * MIB + 16, HeapBudget.footprint(2 * MIB, 0));
  }

  @Test
  void whatIsUnwrittenHasHalfOfWhatTheIndexesLeave() {
    HeapBudget heap = new HeapBudget("test", 16 * MIB);
    heap.addDirty(3 * MIB / 2);
    assertFalse(heap.isDirtyFull());
    heap.addHot(14 * MIB);
    assertTrue(heap.isDirtyFull());
    heap.addDirty(-MIB);
    assertFalse(heap.isDirtyFull());
  }
}
