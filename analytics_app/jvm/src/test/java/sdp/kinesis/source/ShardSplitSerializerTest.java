package sdp.kinesis.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sdp.kinesis.stream.Position;

/** Positions survive a checkpoint. */
class ShardSplitSerializerTest {
  private static final String SHARD = "shardId-000000000001";

  private final ShardSplitSerializer serializer = new ShardSplitSerializer();

  static Stream<Position> positions() {
    return Stream.of(Position.TRIM_HORIZON, Position.END, Position.at(7), Position.after("49x"));
  }

  @ParameterizedTest
  @MethodSource("positions")
  void restoresASplit(Position position) throws IOException {
    for (long watermark : new long[] {ShardSplit.NO_WATERMARK, 0, 1_795_600_000_123L}) {
      ShardSplit split = new ShardSplit(SHARD, position, watermark);
      byte[] bytes = serializer.serialize(split);
      assertEquals(split, serializer.deserialize(serializer.getVersion(), bytes));
    }
  }

  /** Written by the version before the watermark: its shards have none until they are read on. */
  @Test
  void readsTheStateOfTheVersionBefore() throws IOException {
    ShardSplit split = new ShardSplit(SHARD, Position.after("4966" + "0".repeat(51) + "7"));
    assertEquals(split, serializer.deserialize(1, fixture("kinesis-split-v1")));
    EnumeratorState state =
        new EnumeratorStateSerializer().deserialize(1, fixture("kinesis-enumerator-v1"));
    var finished = Set.of("shardId-000000000000");
    var assigned = Set.of("shardId-000000000000", SHARD);
    var start = Position.TRIM_HORIZON;
    assertEquals(new EnumeratorState(start, assigned, finished, List.of(split)), state);
  }

  private static byte[] fixture(String name) throws IOException {
    return Files.readAllBytes(Path.of("src/test/resources", name));
  }

  @Test
  void refusesAVersionItDoesNotKnow() {
    var refused = assertThrows(IOException.class, () -> serializer.deserialize(3, new byte[0]));
    assertTrue(refused.getMessage().contains("has version 3; this version of the application"));
  }

  @Test
  void latestIsTheTimeOfTheFirstStart() {
    Clock clock = Clock.fixed(Instant.ofEpochMilli(42), ZoneOffset.UTC);
    var latest = new StartPosition(StartPosition.Kind.LATEST, 0);
    assertEquals(Position.at(42), latest.resolve(clock));
  }
}
