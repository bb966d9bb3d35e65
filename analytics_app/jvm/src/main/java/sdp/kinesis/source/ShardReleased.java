package sdp.kinesis.source;

import org.apache.flink.api.connector.source.SourceEvent;

/** Enumerator to reader: the children are assigned, so the ended shard may go. */
record ShardReleased(String shardId) implements SourceEvent {}
