package sdp.kinesis.source;

import org.apache.flink.api.connector.source.SourceSplit;
import sdp.kinesis.stream.Position;

/** A shard and the place from which it is to be read. */
public record ShardSplit(String shardId, Position position) implements SourceSplit {
  @Override
  public String splitId() {
    return shardId;
  }
}
