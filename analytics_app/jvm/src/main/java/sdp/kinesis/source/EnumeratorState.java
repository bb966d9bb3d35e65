package sdp.kinesis.source;

import java.util.List;
import java.util.Set;
import sdp.kinesis.stream.Position;

/**
 * What the enumerator knows at a checkpoint.
 *
 * @param start where shards are started, with LATEST resolved to the time of the first start
 * @param assigned shards that were given to a reader, the finished ones included
 * @param finished shards that were read to their end
 * @param returned splits that a failed reader gave back
 */
record EnumeratorState(
    Position start, Set<String> assigned, Set<String> finished, List<ShardSplit> returned) {}
