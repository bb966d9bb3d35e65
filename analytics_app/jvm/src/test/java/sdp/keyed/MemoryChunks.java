package sdp.keyed;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/** Chunks in memory, which can be copied as a checkpoint does. */
public final class MemoryChunks implements Chunks {
  private final Map<Integer, TreeMap<Long, byte[]>> groups = new HashMap<>();

  private TreeMap<Long, byte[]> group(int group) {
    return groups.computeIfAbsent(group, g -> new TreeMap<>());
  }

  @Override
  public long[] numbers(int group) {
    return group(group).keySet().stream().mapToLong(Long::longValue).toArray();
  }

  @Override
  public byte[] get(int group, long number) {
    return group(group).get(number);
  }

  @Override
  public void put(int group, long number, byte[] bytes) {
    group(group).put(number, bytes.clone());
  }

  @Override
  public void remove(int group, long number) {
    group(group).remove(number);
  }

  public boolean isEmpty() {
    return groups.values().stream().allMatch(Map::isEmpty);
  }

  public long bytes() {
    return groups.values().stream()
        .flatMap(group -> group.values().stream())
        .mapToLong(chunk -> chunk.length)
        .sum();
  }

  public MemoryChunks copy() {
    MemoryChunks copy = new MemoryChunks();
    groups.forEach(
        (group, chunks) ->
            chunks.forEach(
                (number, chunk) -> copy.put(group, number, Arrays.copyOf(chunk, chunk.length))));
    return copy;
  }
}
