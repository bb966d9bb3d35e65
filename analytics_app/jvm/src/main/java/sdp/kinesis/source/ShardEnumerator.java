package sdp.kinesis.source;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.util.FlinkRuntimeException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sdp.kinesis.stream.KinesisStream;
import sdp.kinesis.stream.Position;
import sdp.kinesis.stream.Shard;
import sdp.kinesis.stream.TransientStreamException;

/**
 * Finds the shards and gives each to one reader, a child only when its parents are read.
 *
 * <p>A reader keeps an ended shard, and with it that shard's watermark, until its children are
 * assigned, and the children go to the reader of their parent: so the watermark never runs past
 * what a child still has to say.
 */
final class ShardEnumerator implements SplitEnumerator<ShardSplit, EnumeratorState> {
  private static final Logger LOG = LoggerFactory.getLogger(ShardEnumerator.class);

  /** The shards as listed after these ended ones had been reported. */
  private record Discovery(List<Shard> shards, Set<String> ended) {}

  private final SplitEnumeratorContext<ShardSplit> context;
  private final KinesisStream stream;
  private final Duration discoveryInterval;
  private final boolean bounded;
  private final Position start;
  private final Set<String> assigned;
  private final Set<String> finished;
  private final Map<Integer, List<ShardSplit>> returned = new ConcurrentHashMap<>();
  private final List<ShardSplit> homeless = new ArrayList<>();
  // Ended shard to its reader. Not in the checkpoint: a restored reader reports it again.
  private final Map<String, Integer> ended = new ConcurrentHashMap<>();
  // Readers that know that every shard has its reader.
  private final Set<Integer> informed = new HashSet<>();
  // Readers that know that no shard follows.
  private final Set<Integer> ending = new HashSet<>();
  private List<Shard> known = List.of();
  private boolean discovered;

  ShardEnumerator(
      SplitEnumeratorContext<ShardSplit> context,
      KinesisStream stream,
      Duration discoveryInterval,
      boolean bounded,
      EnumeratorState state) {
    this.context = context;
    this.stream = stream;
    this.discoveryInterval = discoveryInterval;
    this.bounded = bounded;
    this.start = state.start();
    this.assigned = new HashSet<>(state.assigned());
    this.finished = new HashSet<>(state.finished());
    this.homeless.addAll(state.returned());
  }

  @Override
  public void start() {
    context.callAsync(this::discover, this::onDiscovered, 0, discoveryInterval.toMillis());
  }

  private Discovery discover() {
    Set<String> endedBefore = Set.copyOf(ended.keySet());
    return new Discovery(stream.shards(), endedBefore);
  }

  private void onDiscovered(Discovery discovery, Throwable error) {
    if (error instanceof TransientStreamException) {
      LOG.warn("The shards could not be listed, next attempt in {}", discoveryInterval, error);
      return;
    }
    if (error != null) {
      throw new FlinkRuntimeException("The shards of the stream cannot be listed", error);
    }
    discovered = true;
    known = discovery.shards();
    assign();
    discovery.ended().forEach(this::releaseIfSucceeded);
    forgetExpired();
    signalIfDone();
  }

  /** Assigns every shard whose parents are read, as far as its reader is there. */
  private void assign() {
    if (!discovered) {
      return;
    }
    takeHomeless();
    known.stream().filter(s -> !assigned.contains(s.id())).forEach(this::assignIfReady);
    context.registeredReaders().keySet().forEach(this::assignReturned);
    if (known.stream().allMatch(s -> assigned.contains(s.id()) || waitsForParent(s))) {
      context.registeredReaders().keySet().forEach(this::tellAssigned);
    }
  }

  /** Once: an event that meets a task which has just ended makes the stop of the job fail. */
  private void tellAssigned(int reader) {
    if (informed.add(reader)) {
      context.sendEventToSourceReader(reader, new ShardsAssigned());
    }
  }

  private void takeHomeless() {
    homeless.forEach(s -> giveBack(s, owner(s.shardId())));
    homeless.clear();
  }

  private void giveBack(ShardSplit split, int reader) {
    returned.computeIfAbsent(reader, r -> new ArrayList<>()).add(split);
  }

  private void assignIfReady(Shard shard) {
    int reader = readerOf(shard);
    if (!waitsForParent(shard) && context.registeredReaders().containsKey(reader)) {
      LOG.info("Shard {} is read by reader {} from {}", shard.id(), reader, start);
      assigned.add(shard.id());
      context.assignSplit(new ShardSplit(shard.id(), start), reader);
    }
  }

  private void assignReturned(int reader) {
    List<ShardSplit> splits = returned.remove(reader);
    if (splits != null) {
      splits.forEach(s -> context.assignSplit(s, reader));
    }
  }

  /** Whether a parent that is still kept has not been read to its end. */
  private boolean waitsForParent(Shard shard) {
    Set<String> kept = known.stream().map(Shard::id).collect(Collectors.toSet());
    return shard.parents().stream().anyMatch(p -> kept.contains(p) && !isRead(p));
  }

  private boolean isRead(String shardId) {
    return finished.contains(shardId) || ended.containsKey(shardId);
  }

  private int readerOf(Shard shard) {
    return shard.parents().stream()
        .filter(ended::containsKey)
        .map(ended::get)
        .findFirst()
        .orElseGet(() -> owner(shard.id()));
  }

  /** Shard ids end in a running number, which spreads them better than a hash does. */
  private int owner(String shardId) {
    String digits = shardId.replaceAll("^.*\\D", "");
    long number = digits.isEmpty() ? shardId.hashCode() : Long.parseLong(digits);
    return (int) Math.floorMod(number, (long) context.currentParallelism());
  }

  private void releaseIfSucceeded(String shardId) {
    boolean waiting =
        known.stream().anyMatch(s -> s.parents().contains(shardId) && !assigned.contains(s.id()));
    Integer reader = waiting ? null : ended.remove(shardId);
    if (reader != null) {
      finished.add(shardId);
      context.sendEventToSourceReader(reader, new ShardReleased(shardId));
    }
  }

  /** A finished shard that the stream no longer lists never comes back. */
  private void forgetExpired() {
    Set<String> listed = known.stream().map(Shard::id).collect(Collectors.toSet());
    finished.removeIf(id -> !listed.contains(id) && assigned.remove(id));
  }

  private void signalIfDone() {
    boolean done = bounded && known.stream().allMatch(s -> finished.contains(s.id()));
    if (done) {
      context.registeredReaders().keySet().forEach(this::finish);
    }
  }

  /** Once: a reader that was signalled may be gone, and another signal would fail. */
  private void finish(int reader) {
    if (ending.add(reader)) {
      context.signalNoMoreSplits(reader);
    }
  }

  @Override
  public void addReader(int reader) {
    informed.remove(reader); // it was restarted
    ending.remove(reader);
    assign();
    signalIfDoneAfterDiscovery();
  }

  private void signalIfDoneAfterDiscovery() {
    if (discovered) {
      signalIfDone();
    }
  }

  @Override
  public void addSplitsBack(List<ShardSplit> splits, int reader) {
    splits.forEach(s -> giveBack(s, reader));
  }

  @Override
  public void handleSourceEvent(int reader, SourceEvent event) {
    if (event instanceof ShardEnded shard) {
      LOG.info("Shard {} is read to its end by reader {}", shard.shardId(), reader);
      ended.put(shard.shardId(), reader);
      context.callAsync(this::discover, this::onDiscovered);
    }
  }

  @Override
  public void handleSplitRequest(int reader, String host) {
    // Readers never ask: every shard is assigned as soon as it may be read.
  }

  @Override
  public EnumeratorState snapshotState(long checkpointId) {
    List<ShardSplit> waiting = new ArrayList<>(homeless);
    returned.values().forEach(waiting::addAll);
    return new EnumeratorState(start, Set.copyOf(assigned), Set.copyOf(finished), waiting);
  }

  @Override
  public void close() {
    stream.close();
  }
}
