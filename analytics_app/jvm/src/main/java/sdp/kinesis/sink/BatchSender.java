package sdp.kinesis.sink;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.connector.base.sink.writer.ResultHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sdp.kinesis.stream.KinesisStream;
import sdp.kinesis.stream.PutEntry;
import sdp.kinesis.stream.TransientStreamException;

/** Writes batches on other threads, and hands back after a while the entries that were refused. */
final class BatchSender {
  private static final Logger LOG = LoggerFactory.getLogger(BatchSender.class);
  private static final long FIRST_BACKOFF_MILLIS = 100;
  private static final long MAX_BACKOFF_MILLIS = 5_000;

  private final KinesisStream stream;
  private final ScheduledExecutorService executor;
  private final AtomicInteger failures = new AtomicInteger();

  BatchSender(KinesisStream stream, ScheduledExecutorService executor) {
    this.stream = stream;
    this.executor = executor;
  }

  /** Tells {@code result} what became of the entries: all written, some to retry, or hopeless. */
  void send(List<PutEntry> entries, ResultHandler<PutEntry> result) {
    executor.execute(() -> put(entries, result));
  }

  private void put(List<PutEntry> entries, ResultHandler<PutEntry> result) {
    try {
      List<PutEntry> refused = stream.put(entries);
      if (refused.isEmpty()) {
        failures.set(0);
        result.complete();
      } else {
        LOG.debug("{} of {} records were refused", refused.size(), entries.size());
        retryLater(refused, result);
      }
    } catch (TransientStreamException e) {
      LOG.warn("{} records could not be written, they are tried again", entries.size(), e);
      retryLater(entries, result);
    } catch (RuntimeException e) {
      result.completeExceptionally(new IOException("Records cannot be written to Kinesis", e));
    }
  }

  /** Waits longer with each failure in a row, so that a throttled shard can recover. */
  private void retryLater(List<PutEntry> refused, ResultHandler<PutEntry> result) {
    int doublings = Math.min(failures.getAndIncrement(), 10);
    long delay = Math.min(FIRST_BACKOFF_MILLIS << doublings, MAX_BACKOFF_MILLIS);
    executor.schedule(() -> result.retryForEntries(refused), delay, TimeUnit.MILLISECONDS);
  }
}
