package sdp.kinesis.stream;

import java.util.List;

/**
 * The answer to one read of a shard.
 *
 * @param nextIterator where to go on, or null at the end of a closed shard
 * @param millisBehind how far behind the newest record of the shard this read was
 */
public record Page(List<KinesisRecord> records, String nextIterator, long millisBehind) {}
