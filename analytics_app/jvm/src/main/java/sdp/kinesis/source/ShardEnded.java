package sdp.kinesis.source;

import org.apache.flink.api.connector.source.SourceEvent;

/** Reader to enumerator: this shard is read to its end. */
record ShardEnded(String shardId) implements SourceEvent {}
