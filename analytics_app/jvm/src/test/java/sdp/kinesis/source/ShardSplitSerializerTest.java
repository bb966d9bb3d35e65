package sdp.kinesis.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sdp.kinesis.stream.Position;

/** Positions survive a checkpoint. */
class ShardSplitSerializerTest {
  private final ShardSplitSerializer serializer = new ShardSplitSerializer();

  static Stream<Position> positions() {
    return Stream.of(Position.TRIM_HORIZON, Position.END, Position.at(7), Position.after("49x"));
  }

  @ParameterizedTest
  @MethodSource("positions")
  void restoresASplit(Position position) throws IOException {
    ShardSplit split = new ShardSplit("shardId-000000000001", position);
    assertEquals(split, serializer.deserialize(1, serializer.serialize(split)));
  }

  @Test
  void refusesAVersionItDoesNotKnow() {
    assertThrows(IOException.class, () -> serializer.deserialize(2, new byte[0]));
  }

  @Test
  void latestIsTheTimeOfTheFirstStart() {
    Clock clock = Clock.fixed(Instant.ofEpochMilli(42), ZoneOffset.UTC);
    var latest = new StartPosition(StartPosition.Kind.LATEST, 0);
    assertEquals(Position.at(42), latest.resolve(clock));
  }
}
