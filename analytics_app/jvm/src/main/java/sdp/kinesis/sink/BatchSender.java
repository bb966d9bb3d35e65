package sdp.kinesis.sink;

import java.io.IOException;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.connector.base.sink.writer.ResultHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sdp.kinesis.stream.Backoff;
import sdp.kinesis.stream.KinesisStream;
import sdp.kinesis.stream.OncePerMinute;
import sdp.kinesis.stream.PutEntry;
import sdp.kinesis.stream.ThrottledException;
import sdp.kinesis.stream.TransientStreamException;

/**
 * Writes batches on other threads, and hands back after a while the entries that were refused.
 *
 * <p>Whatever is thrown on those threads, an Error too, reaches the writer: a batch of which the
 * writer never hears would hold the job up for ever.
 */
final class BatchSender {
  private static final Logger LOG = LoggerFactory.getLogger(BatchSender.class);

  private final KinesisStream stream;
  private final ScheduledExecutorService executor;
  private final SinkMetrics metrics;
  private final OncePerMinute trouble;
  private final AtomicInteger failures = new AtomicInteger();

  BatchSender(
      KinesisStream stream, ScheduledExecutorService executor, SinkMetrics metrics, Clock clock) {
    this.stream = stream;
    this.executor = executor;
    this.metrics = metrics;
    this.trouble = new OncePerMinute(clock);
  }

  /** Calls {@code result} with what became of the entries: written, to retry, or hopeless. */
  void send(List<PutEntry> entries, ResultHandler<PutEntry> result) {
    executor.execute(() -> orFail(result, () -> put(entries, result)));
  }

  private void put(List<PutEntry> entries, ResultHandler<PutEntry> result) {
    try {
      List<PutEntry> refused = stream.put(entries);
      if (refused.isEmpty()) {
        failures.set(0);
        result.complete();
      } else {
        metrics.refused().inc(refused.size());
        retryLater(refused, result, null);
      }
    } catch (ThrottledException e) {
      metrics.throttled().inc();
      retryLater(entries, result, e);
    } catch (TransientStreamException e) {
      retryLater(entries, result, e);
    }
  }

  /** Waits longer with each failure in a row, so that a throttled shard can recover. */
  private void retryLater(
      List<PutEntry> entries, ResultHandler<PutEntry> result, TransientStreamException cause) {
    String name = stream.name();
    trouble.report(n -> LOG.warn("{} calls to {} did not write all records", n, name, cause));
    long delay = Backoff.after(failures.updateAndGet(n -> Math.min(n + 1, 100))).toMillis();
    executor.schedule(
        () -> orFail(result, () -> result.retryForEntries(entries)), delay, TimeUnit.MILLISECONDS);
  }

  private static void orFail(ResultHandler<PutEntry> result, Runnable action) {
    try {
      action.run();
    } catch (Throwable e) {
      result.completeExceptionally(new IOException("Records cannot be written to Kinesis", e));
    }
  }
}
