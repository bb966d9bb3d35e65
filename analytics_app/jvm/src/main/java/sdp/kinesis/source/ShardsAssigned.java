package sdp.kinesis.source;

import org.apache.flink.api.connector.source.SourceEvent;

/** Enumerator to reader: every known shard has its reader; one without a shard is idle. */
record ShardsAssigned() implements SourceEvent {}
