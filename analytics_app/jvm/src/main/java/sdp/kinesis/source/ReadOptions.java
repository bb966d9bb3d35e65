package sdp.kinesis.source;

import java.io.Serializable;
import java.time.Duration;

/**
 * How shards are read.
 *
 * @param limit records asked for in one call, 1 to 10,000
 * @param interval least time between two reads of one shard (Kinesis allows five a second)
 * @param stop where a bounded reading ends
 */
public record ReadOptions(int limit, Duration interval, StopPosition stop)
    implements Serializable {}
