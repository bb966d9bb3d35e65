package sdp.kinesis.source;

import java.io.Serializable;
import java.time.Duration;
import sdp.kinesis.stream.KinesisRecord;

/**
 * How shards are read.
 *
 * @param limit records in one call at most, 1 to 10,000
 * @param interval least time between two reads of one shard (Kinesis allows five a second)
 * @param bytesPerSecond what is read of one shard at most (Kinesis serves 2 MiB a second)
 * @param stop where a bounded reading ends
 */
public record ReadOptions(int limit, Duration interval, long bytesPerSecond, StopPosition stop)
    implements Serializable {

  /** Reads as many bytes as there are. */
  public ReadOptions(int limit, Duration interval, StopPosition stop) {
    this(limit, interval, Long.MAX_VALUE, stop);
  }

  /** How long after the read that gave these records the shard may be read again. */
  Duration pauseAfter(Iterable<KinesisRecord> records) {
    long bytes = 0;
    for (KinesisRecord record : records) {
      bytes += record.data().length;
    }
    Duration rest = Duration.ofNanos((long) (1e9 * bytes / bytesPerSecond));
    return rest.compareTo(interval) > 0 ? rest : interval;
  }
}
