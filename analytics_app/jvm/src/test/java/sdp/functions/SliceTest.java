package sdp.functions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.flink.table.data.StringData;
import org.junit.jupiter.api.Test;

class SliceTest {
  private final Slice slice = new Slice();

  @Test
  void aKeyIsInTheSameSliceForever() {
    // the state of a running job is found by these
    assertEquals(List.of(203, 736, 95, 485, 288), slices("", "a", "tx-1", "Zürich", "😀"));
  }

  @Test
  void nothingHasNoSlice() {
    assertNull(slice.eval(null));
  }

  @Test
  void keysThatDifferInACounterOnlyAreSpreadEvenly() {
    int[] counts = new int[Slice.SLICES];
    IntStream.range(0, 1_000_000).forEach(i -> counts[of("tx-%08d".formatted(i))]++);
    // a thousand each, and a standard deviation of 32
    assertTrue(IntStream.of(counts).allMatch(n -> n > 800 && n < 1200));
  }

  private List<Integer> slices(String... keys) {
    return Stream.of(keys).map(this::of).toList();
  }

  private int of(String key) {
    return slice.eval(StringData.fromString(key));
  }
}
