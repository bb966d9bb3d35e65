package sdp.kinesis.source;

import sdp.kinesis.stream.Position;

/** How far a reader has emitted a shard: what the next checkpoint stores. */
final class ShardProgress<T> {
  private final String shardId;
  private final ShardWatermark<T> watermark;
  private Position position;

  ShardProgress(ShardSplit split, ShardWatermark<T> watermark) {
    this.shardId = split.shardId();
    this.position = split.position();
    this.watermark = watermark;
  }

  void advance(Position next) {
    position = next;
  }

  ShardWatermark<T> watermark() {
    return watermark;
  }

  ShardSplit toSplit() {
    return new ShardSplit(shardId, position, watermark.greatest());
  }
}
