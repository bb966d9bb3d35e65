package sdp.kinesis.source;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.BiConsumer;
import org.apache.flink.api.connector.source.ReaderInfo;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.SplitsAssignment;
import org.apache.flink.metrics.groups.SplitEnumeratorMetricGroup;

/** Runs every call at once, and records the messages to readers, as "reader:what". */
final class FakeEnumeratorContext implements SplitEnumeratorContext<ShardSplit> {
  final List<String> log = new ArrayList<>();
  final List<ShardSplit> splits = new ArrayList<>();
  final List<Integer> informed = new ArrayList<>();
  private final Map<Integer, ReaderInfo> readers = new HashMap<>();
  private final int parallelism;
  private Runnable periodic;

  FakeEnumeratorContext(int parallelism) {
    this.parallelism = parallelism;
  }

  void register(int reader) {
    readers.put(reader, new ReaderInfo(reader, "localhost"));
  }

  @Override
  public void assignSplits(SplitsAssignment<ShardSplit> assignment) {
    assignment.assignment().forEach((reader, s) -> s.forEach(split -> assigned(reader, split)));
  }

  private void assigned(int reader, ShardSplit split) {
    splits.add(split);
    log.add(reader + ":" + split.shardId());
  }

  @Override
  public void sendEventToSourceReader(int reader, SourceEvent event) {
    if (event instanceof ShardReleased shard) {
      log.add(reader + ":release " + shard.shardId());
    } else if (event instanceof ShardsAssigned) {
      informed.add(reader);
    }
  }

  @Override
  public void signalNoMoreSplits(int reader) {
    log.add(reader + ":done");
  }

  @Override
  public <T> void callAsync(Callable<T> callable, BiConsumer<T, Throwable> handler) {
    T result;
    try {
      result = callable.call();
    } catch (Exception e) {
      handler.accept(null, e);
      return;
    }
    handler.accept(result, null);
  }

  @Override
  public <T> void callAsync(
      Callable<T> callable, BiConsumer<T, Throwable> handler, long delay, long period) {
    periodic = () -> callAsync(callable, handler);
    periodic.run();
  }

  /** Makes the periodic call once more. */
  void callAgain() {
    periodic.run();
  }

  @Override
  public Map<Integer, ReaderInfo> registeredReaders() {
    return readers;
  }

  @Override
  public int currentParallelism() {
    return parallelism;
  }

  @Override
  public void runInCoordinatorThread(Runnable runnable) {
    runnable.run();
  }

  @Override
  public SplitEnumeratorMetricGroup metricGroup() {
    throw new UnsupportedOperationException();
  }
}
