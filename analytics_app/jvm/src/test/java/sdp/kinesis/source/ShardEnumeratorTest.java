package sdp.kinesis.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.apache.flink.util.FlinkRuntimeException;
import org.junit.jupiter.api.Test;
import sdp.kinesis.stream.FakeStream;
import sdp.kinesis.stream.Position;
import sdp.kinesis.stream.TransientStreamException;

/** Who reads which shard, and when. */
class ShardEnumeratorTest {
  private static final EnumeratorState FRESH =
      new EnumeratorState(Position.TRIM_HORIZON, Set.of(), Set.of(), List.of());

  private final FakeStream stream = new FakeStream();
  private final FakeEnumeratorContext context = new FakeEnumeratorContext(2);

  @Test
  void spreadsShardsOverTheReadersAsTheyCome() {
    stream.shard("shardId-000").shard("shardId-001");
    ShardEnumerator enumerator = started(FRESH, false);
    register(enumerator, 1);
    assertEquals(List.of("1:shardId-001"), context.log);
    register(enumerator, 0);
    assertEquals(List.of("1:shardId-001", "0:shardId-000"), context.log);
  }

  @Test
  void assignsChildrenToTheParentsReaderOnceItIsReadAndThenReleasesTheParent() {
    stream.shard("s-0").shard("s-1", "s-0").shard("s-2", "s-0");
    ShardEnumerator enumerator = withReaders(FRESH, false);
    assertEquals(List.of("0:s-0"), context.log);
    enumerator.handleSourceEvent(0, new ShardEnded("s-0"));
    assertEquals(List.of("0:s-0", "0:s-1", "0:s-2", "0:release s-0"), context.log);
  }

  @Test
  void waitsForBothParentsOfAMergedShard() {
    stream.shard("s-0").shard("s-1").shard("s-2", "s-0", "s-1");
    ShardEnumerator enumerator = withReaders(FRESH, false);
    enumerator.handleSourceEvent(0, new ShardEnded("s-0"));
    assertEquals(List.of("0:s-0", "1:s-1"), context.log);
    enumerator.handleSourceEvent(1, new ShardEnded("s-1"));
    assertEquals("0:s-2", context.log.get(2));
    assertEquals(Set.of("0:release s-0", "1:release s-1"), Set.copyOf(context.log.subList(3, 5)));
  }

  @Test
  void readsAChildWhoseParentIsNoLongerKept() {
    stream.shard("s-2", "s-0");
    withReaders(FRESH, false);
    assertEquals(List.of("0:s-2"), context.log);
  }

  @Test
  void assignsNothingTwiceAfterARestore() throws IOException {
    stream.shard("s-0").shard("s-1");
    ShardEnumerator first = withReaders(FRESH, false);
    var serializer = new EnumeratorStateSerializer();
    byte[] bytes = serializer.serialize(first.snapshotState(1));
    context.log.clear();
    withReaders(serializer.deserialize(serializer.getVersion(), bytes), false);
    assertEquals(List.of(), context.log);
  }

  @Test
  void givesAFailedReadersSplitsOutAgainWhereTheyWere() {
    stream.shard("s-0");
    ShardEnumerator enumerator = withReaders(FRESH, false);
    ShardSplit read = new ShardSplit("s-0", Position.after("7"), 42);
    enumerator.addSplitsBack(List.of(read), 0);
    enumerator.addReader(0);
    assertEquals(read, context.splits.get(1));
  }

  @Test
  void tellsAReaderOnceThatEveryShardHasItsReaderUnlessItIsStartedAnew() {
    stream.shard("s-0");
    ShardEnumerator enumerator = started(FRESH, false);
    register(enumerator, 1);
    assertEquals(List.of(), context.informed, "before the shard of the other reader is assigned");
    register(enumerator, 0);
    assertEquals(Set.of(0, 1), Set.copyOf(context.informed));
    context.callAgain();
    stream.shard("s-1");
    context.callAgain();
    assertEquals(2, context.informed.size(), "every event may meet a task that has just ended");
    enumerator.addReader(0);
    assertEquals(0, context.informed.get(2));
  }

  @Test
  void endsABoundedReadingWhenEveryShardIsRead() {
    stream.shard("s-0").shard("s-1", "s-0");
    ShardEnumerator enumerator = withReaders(FRESH, true);
    enumerator.handleSourceEvent(0, new ShardEnded("s-0"));
    enumerator.handleSourceEvent(0, new ShardEnded("s-1"));
    List<String> last = context.log.subList(context.log.size() - 3, context.log.size());
    assertEquals(List.of("0:release s-1", "0:done", "1:done"), last);
  }

  @Test
  void tellsAReaderOnceThatNothingFollowsUnlessItIsStartedAnew() {
    stream.shard("s-0");
    ShardEnumerator enumerator = withReaders(FRESH, true);
    enumerator.handleSourceEvent(0, new ShardEnded("s-0"));
    enumerator.handleSourceEvent(0, new ShardEnded("s-0"));
    assertEquals(1, context.log.stream().filter("1:done"::equals).count());
    enumerator.addReader(1);
    assertEquals(2, context.log.stream().filter("1:done"::equals).count());
  }

  @Test
  void goesOnWhenTheListingIsThrottledAndFailsWhenItIsRefused() {
    stream.shard("s-0").failures.add(new TransientStreamException("slow down", null));
    withReaders(FRESH, false);
    assertEquals(List.of(), context.log);
    stream.failures.add(new IllegalStateException("no such stream"));
    assertThrows(FlinkRuntimeException.class, () -> started(FRESH, false));
  }

  private ShardEnumerator withReaders(EnumeratorState state, boolean bounded) {
    ShardEnumerator enumerator = started(state, bounded);
    register(enumerator, 0);
    register(enumerator, 1);
    return enumerator;
  }

  private ShardEnumerator started(EnumeratorState state, boolean bounded) {
    var enumerator = new ShardEnumerator(context, stream, Duration.ofSeconds(1), bounded, state);
    enumerator.start();
    return enumerator;
  }

  private void register(ShardEnumerator enumerator, int reader) {
    context.register(reader);
    enumerator.addReader(reader);
  }
}
