package sdp.kinesis.stream;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A stream in memory; iterators are "shard:index". */
public final class FakeStream implements KinesisStream {
  public final Map<String, Shard> shards = new LinkedHashMap<>();
  public final Map<String, List<KinesisRecord>> records = new LinkedHashMap<>();
  public final Set<String> closed = new HashSet<>();
  public final Deque<RuntimeException> failures = new ArrayDeque<>();
  public final List<Position> iteratorsAt = new ArrayList<>();

  /** Adds a shard that came from these parents, and closes them. */
  public FakeStream shard(String id, String... parents) {
    shards.put(id, new Shard(id, List.of(parents)));
    records.put(id, new ArrayList<>());
    closed.addAll(List.of(parents));
    return this;
  }

  /** Puts a record that arrives at this time. */
  public FakeStream put(String shard, String data, long arrivalMillis) {
    List<KinesisRecord> list = records.get(shard);
    byte[] bytes = data.getBytes(StandardCharsets.UTF_8);
    list.add(new KinesisRecord(shard, "" + list.size(), "key", arrivalMillis, bytes));
    return this;
  }

  @Override
  public String name() {
    return "fake";
  }

  @Override
  public List<Shard> shards() {
    failIfAsked();
    return List.copyOf(shards.values());
  }

  @Override
  public String iterator(String shardId, Position position) {
    iteratorsAt.add(position);
    return shardId + ":" + index(shardId, position);
  }

  private int index(String shardId, Position position) {
    return switch (position.kind()) {
      case TRIM_HORIZON -> 0;
      case AFTER_SEQUENCE_NUMBER -> Integer.parseInt(position.value()) + 1;
      case AT_TIMESTAMP -> {
        long time = Long.parseLong(position.value());
        yield (int) records.get(shardId).stream().filter(r -> r.arrivalMillis() < time).count();
      }
      case END -> throw new IllegalArgumentException();
    };
  }

  @Override
  public Page read(String shardId, String iterator, int limit) {
    failIfAsked();
    int from = Integer.parseInt(iterator.substring(iterator.indexOf(':') + 1));
    List<KinesisRecord> all = records.get(shardId);
    int to = Math.min(all.size(), from + limit);
    boolean end = to == all.size() && closed.contains(shardId);
    return new Page(
        List.copyOf(all.subList(from, to)), end ? null : shardId + ":" + to, all.size() - to);
  }

  private void failIfAsked() {
    if (!failures.isEmpty()) {
      throw failures.poll();
    }
  }

  @Override
  public List<PutEntry> put(List<PutEntry> entries) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
