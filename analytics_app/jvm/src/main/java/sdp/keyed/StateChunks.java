package sdp.keyed;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.KeyedStateBackend;

/**
 * Chunks in Flink's keyed state. Flink moves state between subtasks by key group, so one key of
 * each group stands for the group: the least partition that is in it.
 */
public final class StateChunks implements Chunks {
  private final KeyedStateBackend<Object> backend;
  private final MapState<Long, byte[]> chunks;
  private final int[] keys;

  public StateChunks(
      KeyedStateBackend<Object> backend, int maxParallelism, MapState<Long, byte[]> chunks) {
    this.backend = backend;
    this.chunks = chunks;
    keys = keys(maxParallelism);
  }

  private static int[] keys(int groups) {
    int[] keys = new int[groups];
    boolean[] found = new boolean[groups];
    for (int key = 0, missing = groups; missing > 0; key++) {
      int group = group(key, groups);
      if (!found[group]) {
        found[group] = true;
        keys[group] = key;
        missing--;
      }
    }
    return keys;
  }

  /** The key group of a partition. */
  public static int group(int partition, int maxParallelism) {
    return KeyGroupRangeAssignment.assignToKeyGroup(partition, maxParallelism);
  }

  private void select(int group) {
    backend.setCurrentKey(keys[group]);
  }

  @Override
  public long[] numbers(int group) throws Exception {
    select(group);
    List<Long> numbers = new ArrayList<>();
    chunks.keys().forEach(numbers::add);
    return numbers.stream().mapToLong(Long::longValue).sorted().toArray();
  }

  @Override
  public byte[] get(int group, long number) throws Exception {
    select(group);
    return chunks.get(number);
  }

  @Override
  public void put(int group, long number, byte[] bytes) throws Exception {
    select(group);
    chunks.put(number, bytes);
  }

  @Override
  public void remove(int group, long number) throws Exception {
    select(group);
    chunks.remove(number);
  }
}
