package sdp.kinesis.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsAddition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import sdp.kinesis.stream.ExpiredPositionException;
import sdp.kinesis.stream.FakeStream;
import sdp.kinesis.stream.KinesisRecord;
import sdp.kinesis.stream.KinesisServer;
import sdp.kinesis.stream.KinesisStream;
import sdp.kinesis.stream.Measured;
import sdp.kinesis.stream.Position;
import sdp.kinesis.stream.ThrottledException;
import sdp.kinesis.stream.TransientStreamException;

/** Polling of shards: order, positions, ends and failures. */
@Timeout(20)
class ShardSplitReaderTest {
  private final FakeStream stream = new FakeStream();
  private final Set<String> released = new HashSet<>();
  private final Measured measured = new Measured();
  private final Clock clock = Clock.fixed(Instant.ofEpochMilli(1_000), ZoneOffset.UTC);

  @Test
  void readsAShardInOrderAndThenItsEnd() throws IOException {
    stream.shard("a").put("a", "1", 1).put("a", "2", 2).put("a", "3", 3).closed.add("a");
    var reader = reader(2, StopPosition.NONE, new ShardSplit("a", Position.TRIM_HORIZON));
    assertEquals(List.of("1", "2", "3", "end"), take(reader, 4));
  }

  @Test
  void goesOnAfterTheCheckpointedRecord() throws IOException {
    stream.shard("a").put("a", "1", 1).put("a", "2", 2).closed.add("a");
    var reader = reader(10, StopPosition.NONE, new ShardSplit("a", Position.after("0")));
    assertEquals(List.of("2", "end"), take(reader, 2));
  }

  @Test
  void keepsAnEndedShardUntilItIsReleased() throws IOException {
    stream.shard("a").closed.add("a");
    var reader = reader(10, StopPosition.NONE, new ShardSplit("a", Position.TRIM_HORIZON));
    assertEquals(List.of("end"), take(reader, 1));
    assertEquals(Set.of(), reader.fetch().finishedSplits());
    released.add("a");
    assertEquals(Set.of("a"), reader.fetch().finishedSplits());
  }

  @Test
  void retriesAThrottledRead() throws IOException {
    stream.shard("a").put("a", "1", 1).closed.add("a");
    stream.failures.add(new TransientStreamException("slow down", null));
    var reader = reader(10, StopPosition.NONE, new ShardSplit("a", Position.TRIM_HORIZON));
    assertEquals(List.of("1", "end"), take(reader, 2));
  }

  @Test
  void replacesAnExpiredIteratorByOneForTheSamePlace() throws IOException {
    stream.shard("a").put("a", "1", 1).put("a", "2", 2);
    var reader = reader(1, StopPosition.NONE, new ShardSplit("a", Position.TRIM_HORIZON));
    assertEquals(List.of("1"), take(reader, 1));
    stream.failures.add(new ExpiredPositionException("too old", null));
    assertEquals(List.of("2"), take(reader, 1));
    assertEquals(List.of(Position.TRIM_HORIZON, Position.after("0")), stream.iteratorsAt);
  }

  @Test
  void restsAfterManyBytesAndAfterFewForTheInterval() {
    var options = new ReadOptions(1, Duration.ofMillis(300), 1_000, StopPosition.NONE);
    var record = new KinesisRecord("a", "1", "key", 1, new byte[500]);
    assertEquals(Duration.ofMillis(300), options.pauseAfter(List.of()));
    assertEquals(Duration.ofMillis(500), options.pauseAfter(List.of(record)));
    assertEquals(Duration.ofMillis(1_500), options.pauseAfter(List.of(record, record, record)));
  }

  @Test
  void failsOnWhatWillNotPass() {
    stream.shard("a").failures.add(new IllegalStateException("no such stream"));
    var reader = reader(1, StopPosition.NONE, new ShardSplit("a", Position.TRIM_HORIZON));
    assertThrows(IOException.class, () -> take(reader, 1));
  }

  @Test
  void stopsAtTheNewestRecord() throws IOException {
    stream.shard("a").put("a", "1", 1).put("a", "2", 2);
    var reader = reader(1, StopPosition.LATEST, new ShardSplit("a", Position.TRIM_HORIZON));
    assertEquals(List.of("1", "2", "end"), take(reader, 3));
  }

  @Test
  void stopsBeforeTheFirstRecordOfTheStopTime() throws IOException {
    stream.shard("a").put("a", "1", 1).put("a", "2", 1_500).put("a", "3", 1_600);
    var reader = reader(10, StopPosition.at(1_500), new ShardSplit("a", Position.TRIM_HORIZON));
    assertEquals(List.of("1", "end"), take(reader, 2));
  }

  @Test
  void aShardThatTheStreamNoLongerKeepsIsAtItsEnd() throws IOException {
    try (KinesisServer server = KinesisServer.start(2)) {
      String gone = server.shardIds().get(0);
      server.split(gone);
      server.expire(gone);
      var restored = new ShardSplit(gone, Position.after("7"));
      assertEquals(List.of("end"), take(reader(server.stream().open(), restored), 1));
    }
  }

  @Test
  void aShardThatExpiresWhenItsIteratorDoesIsAtItsEnd() throws IOException {
    try (KinesisServer server = KinesisServer.start(1)) {
      String shard = server.shardIds().get(0);
      server.putInto(shard, "1");
      var reader = reader(server.stream().open(), new ShardSplit(shard, Position.TRIM_HORIZON));
      assertEquals(List.of("1"), take(reader, 1));
      server.split(shard);
      server.expire(shard);
      server.expired.set(1);
      assertEquals(List.of("end"), take(reader, 1));
    }
  }

  @Test
  void aStreamThatIsDeletedIsNoEndOfAShard() throws IOException {
    try (KinesisServer server = KinesisServer.start(1)) {
      String shard = server.shardIds().get(0);
      var reader = reader(server.stream().open(), new ShardSplit(shard, Position.TRIM_HORIZON));
      server.deleted = true;
      assertThrows(IOException.class, () -> take(reader, 1));
    }
  }

  @Test
  void countsForEachShardWhatIsThrottledAndHowFarBehindItIs() throws IOException {
    stream.shard("a").put("a", "1", 1).put("a", "2", 2).put("a", "3", 3);
    stream.failures.add(new ThrottledException("slow down", null));
    stream.failures.add(new ThrottledException("slow down", null));
    var reader = reader(1, StopPosition.NONE, new ShardSplit("a", Position.TRIM_HORIZON));
    assertEquals(List.of("1"), take(reader, 1));
    assertEquals(2L, measured.value("kinesisanalytics.Stream.fake.Shard.a.throttled"));
    assertEquals(2L, measured.value("kinesisanalytics.Stream.fake.Shard.a.millisBehindLatest"));
  }

  @Test
  void measuresHowLongAfterItsArrivalEachRecordIsRead() throws IOException {
    stream.shard("a").put("a", "1", 100).put("a", "2", 700).put("a", "3", 990);
    var reader = reader(2, StopPosition.NONE, new ShardSplit("a", Position.TRIM_HORIZON));
    assertEquals(List.of("1", "2"), take(reader, 2));
    String name = "kinesisanalytics.Stream.fake.readAfterMillisP";
    assertEquals(600L, measured.value(name + "50"));
    assertEquals(900L, measured.value(name + "99"));
    assertEquals(List.of("3"), take(reader, 1));
    assertEquals(300L, measured.value(name + "50"));
  }

  private ShardSplitReader reader(KinesisStream from, ShardSplit split) {
    var options = new ReadOptions(10, Duration.ofMillis(1), StopPosition.NONE);
    return reader(from, options, split);
  }

  private ShardSplitReader reader(KinesisStream from, ReadOptions options, ShardSplit split) {
    var metrics = new ReaderMetrics(measured);
    var reader = new ShardSplitReader(from, options, released, metrics, clock);
    reader.handleSplitsChanges(new SplitsAddition<>(List.of(split)));
    return reader;
  }

  private ShardSplitReader reader(int limit, StopPosition stop, ShardSplit split) {
    return reader(stream, new ReadOptions(limit, Duration.ofMillis(1), stop), split);
  }

  private static List<String> take(ShardSplitReader reader, int items) throws IOException {
    List<String> taken = new ArrayList<>();
    while (taken.size() < items) {
      var batch = reader.fetch();
      while (batch.nextSplit() != null) {
        for (var item = batch.nextRecordFromSplit();
            item != null;
            item = batch.nextRecordFromSplit()) {
          taken.add(text(item));
        }
      }
    }
    return taken;
  }

  private static String text(ShardItem item) {
    return item instanceof ShardItem.Data data
        ? new String(data.kinesisRecord().data(), StandardCharsets.UTF_8)
        : "end";
  }
}
