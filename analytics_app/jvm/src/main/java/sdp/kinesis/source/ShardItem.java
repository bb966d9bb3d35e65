package sdp.kinesis.source;

import sdp.kinesis.stream.KinesisRecord;

/** What a reader gets from a shard, in order: its records, then its end. */
sealed interface ShardItem {

  /** A record of the shard. */
  record Data(KinesisRecord kinesisRecord) implements ShardItem {}

  /** The shard is closed and read, or a bounded reading stops here. */
  record End(String shardId) implements ShardItem {}
}
