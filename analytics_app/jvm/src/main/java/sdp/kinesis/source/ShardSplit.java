package sdp.kinesis.source;

import org.apache.flink.api.connector.source.SourceSplit;
import sdp.kinesis.stream.Position;

/**
 * A shard and the place from which it is to be read.
 *
 * @param watermark the greatest that the shard ever had, in epoch milliseconds, or {@link
 *     #NO_WATERMARK}: Flink keeps no watermarks in checkpoints
 */
public record ShardSplit(String shardId, Position position, long watermark) implements SourceSplit {
  /** Of a shard none of whose records was emitted. */
  static final long NO_WATERMARK = Long.MIN_VALUE;

  /** A shard none of whose records was emitted. */
  ShardSplit(String shardId, Position position) {
    this(shardId, position, NO_WATERMARK);
  }

  boolean hasWatermark() {
    return watermark != NO_WATERMARK;
  }

  @Override
  public String splitId() {
    return shardId;
  }
}
