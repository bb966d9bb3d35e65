package sdp.kinesis.source;

import sdp.kinesis.stream.Position;

/** How far a reader has emitted a shard: what the next checkpoint stores. */
final class ShardProgress {
  private final String shardId;
  private Position position;

  ShardProgress(ShardSplit split) {
    this.shardId = split.shardId();
    this.position = split.position();
  }

  void advance(Position next) {
    position = next;
  }

  ShardSplit toSplit() {
    return new ShardSplit(shardId, position);
  }
}
