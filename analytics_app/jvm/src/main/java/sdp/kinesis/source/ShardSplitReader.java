package sdp.kinesis.source;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.flink.connector.base.source.reader.RecordsBySplits;
import org.apache.flink.connector.base.source.reader.RecordsWithSplitIds;
import org.apache.flink.connector.base.source.reader.splitreader.SplitReader;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsAddition;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsChange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sdp.kinesis.stream.Backoff;
import sdp.kinesis.stream.ExpiredPositionException;
import sdp.kinesis.stream.ExpiredShardException;
import sdp.kinesis.stream.KinesisRecord;
import sdp.kinesis.stream.KinesisStream;
import sdp.kinesis.stream.OncePerMinute;
import sdp.kinesis.stream.ThrottledException;
import sdp.kinesis.stream.TransientStreamException;

/**
 * Polls the shards of one reader in turn, each no more often than its interval allows.
 *
 * <p>What fails for a passing reason is tried again for ever, more and more slowly; an end of a
 * shard, or its expiry, is handed on as a {@link ShardItem.End}, and the split stays until it is
 * released.
 */
final class ShardSplitReader implements SplitReader<ShardItem, ShardSplit> {
  private static final Logger LOG = LoggerFactory.getLogger(ShardSplitReader.class);
  private static final Duration MAX_WAIT = Duration.ofMillis(100);

  private final KinesisStream stream;
  private final ReadOptions options;
  private final Set<String> released;
  private final ReaderMetrics metrics;
  private final Clock clock;
  private final OncePerMinute throttling;
  private final Map<String, ShardCursor> cursors = new HashMap<>();
  private final Set<String> paused = new HashSet<>();
  private final Semaphore wakeUps = new Semaphore(0);

  /**
   * @param released shards whose children are assigned, written by the reader's own thread
   */
  ShardSplitReader(
      KinesisStream stream,
      ReadOptions options,
      Set<String> released,
      ReaderMetrics metrics,
      Clock clock) {
    this.stream = stream;
    this.options = options;
    this.released = released;
    this.metrics = metrics;
    this.clock = clock;
    this.throttling = new OncePerMinute(clock);
  }

  @Override
  public RecordsWithSplitIds<ShardItem> fetch() throws IOException {
    var batch = new RecordsBySplits.Builder<ShardItem>();
    finishReleased(batch);
    ShardCursor next = nextToRead();
    long wait = next == null ? MAX_WAIT.toNanos() : next.dueNanos() - System.nanoTime();
    if (wait > 0) {
      pause(Math.min(wait, MAX_WAIT.toNanos()));
    } else {
      read(next, batch);
    }
    return batch.build();
  }

  private void finishReleased(RecordsBySplits.Builder<ShardItem> batch) {
    for (String shardId : List.copyOf(released)) {
      if (cursors.remove(shardId) != null) {
        released.remove(shardId);
        batch.addFinishedSplit(shardId);
      }
    }
  }

  private ShardCursor nextToRead() {
    return cursors.values().stream()
        .filter(c -> !c.isAtEnd() && !paused.contains(c.shardId()))
        .min(Comparator.comparingLong(ShardCursor::dueNanos))
        .orElse(null);
  }

  private void pause(long nanos) {
    try {
      if (wakeUps.tryAcquire(nanos, TimeUnit.NANOSECONDS)) {
        wakeUps.drainPermits();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void read(ShardCursor cursor, RecordsBySplits.Builder<ShardItem> batch)
      throws IOException {
    long started = System.nanoTime();
    try {
      List<KinesisRecord> records =
          cursor.read(stream, options.limit(), options.stop(), clock.millis());
      records.forEach(r -> batch.add(cursor.shardId(), new ShardItem.Data(r)));
      addEnd(cursor, batch);
      metrics.read(cursor.shardId(), cursor.millisBehind(), records, clock.millis());
      cursor.postpone(started + options.pauseAfter(records).toNanos());
    } catch (ThrottledException e) {
      metrics.throttled(cursor.shardId());
      throttling.report(n -> LOG.warn("{} reads throttled, last of {}", n, cursor.shardId(), e));
      backOff(cursor);
    } catch (TransientStreamException | ExpiredPositionException e) {
      Duration wait = backOff(cursor);
      LOG.warn("Shard {} could not be read, next attempt in {}", cursor.shardId(), wait, e);
    } catch (ExpiredShardException e) {
      LOG.warn("Shard {} has expired, read up to {}", cursor.shardId(), cursor.position(), e);
      cursor.end();
      addEnd(cursor, batch);
    } catch (RuntimeException e) {
      throw new IOException("Shard " + cursor.shardId() + " cannot be read", e);
    }
  }

  private static void addEnd(ShardCursor cursor, RecordsBySplits.Builder<ShardItem> batch) {
    if (cursor.isAtEnd()) {
      batch.add(cursor.shardId(), new ShardItem.End(cursor.shardId()));
    }
  }

  private static Duration backOff(ShardCursor cursor) {
    Duration wait = Backoff.after(cursor.fail());
    cursor.postpone(System.nanoTime() + wait.toNanos());
    return wait;
  }

  @Override
  public void handleSplitsChanges(SplitsChange<ShardSplit> change) {
    if (!(change instanceof SplitsAddition)) {
      throw new UnsupportedOperationException("Unknown change of splits: " + change);
    }
    for (ShardSplit split : change.splits()) {
      cursors.put(split.shardId(), new ShardCursor(split, System.nanoTime()));
      metrics.open(stream.name(), split.shardId());
    }
  }

  @Override
  public void pauseOrResumeSplits(Collection<ShardSplit> toPause, Collection<ShardSplit> toResume) {
    toPause.forEach(s -> paused.add(s.shardId()));
    toResume.forEach(s -> paused.remove(s.shardId()));
  }

  @Override
  public void wakeUp() {
    wakeUps.release();
  }

  @Override
  public void close() {
    stream.close();
  }
}
