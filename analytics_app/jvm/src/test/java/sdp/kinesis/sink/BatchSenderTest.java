package sdp.kinesis.sink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.io.IOException;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.UnaryOperator;
import org.apache.flink.connector.base.sink.writer.ResultHandler;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import sdp.kinesis.stream.KinesisStream;
import sdp.kinesis.stream.Measured;
import sdp.kinesis.stream.Page;
import sdp.kinesis.stream.Position;
import sdp.kinesis.stream.PutEntry;
import sdp.kinesis.stream.Shard;
import sdp.kinesis.stream.ThrottledException;
import sdp.kinesis.stream.TransientStreamException;

/** What becomes of a batch. */
@Timeout(20)
class BatchSenderTest {
  private static final PutEntry A = new PutEntry("a", new byte[] {1});
  private static final PutEntry B = new PutEntry("b", new byte[] {2});

  private final ScheduledExecutorService executor = Executors.newSingleThreadScheduledExecutor();
  private final Measured measured = new Measured();
  private final SinkMetrics metrics = SinkMetrics.register(measured, "written");
  private final BlockingQueue<Object> outcome = new LinkedBlockingQueue<>();

  @AfterEach
  void stop() {
    executor.shutdownNow();
  }

  @Test
  void completesABatchThatWasTaken() throws InterruptedException {
    assertEquals("complete", send(entries -> List.of()));
  }

  @Test
  void handsBackOnlyTheEntriesThatWereRefused() throws InterruptedException {
    assertEquals(List.of(B), send(entries -> List.of(B)));
  }

  @Test
  void handsBackAllWhenTheCallFailsForAPassingReason() throws InterruptedException {
    Object retried =
        send(
            entries -> {
              throw new TransientStreamException("no answer", null);
            });
    assertEquals(List.of(A, B), retried);
  }

  @Test
  void failsOnWhatWillNotPass() throws InterruptedException {
    Object failed =
        send(
            entries -> {
              throw new IllegalStateException("no such stream");
            });
    assertInstanceOf(IOException.class, failed);
  }

  @Test
  void failsOnAnErrorToo() throws InterruptedException {
    Object failed =
        send(
            entries -> {
              throw new NoClassDefFoundError("on purpose");
            });
    assertInstanceOf(IOException.class, failed);
    assertInstanceOf(NoClassDefFoundError.class, ((IOException) failed).getCause());
  }

  @Test
  void failsWhenEntriesCannotBeHandedBack() throws InterruptedException {
    send(entries -> List.of(B), new OutOfMemoryError("on purpose"));
    assertInstanceOf(IOException.class, outcome.take());
  }

  @Test
  void countsWhatIsRefusedAndWhatIsThrottled() throws InterruptedException {
    send(entries -> entries);
    send(
        entries -> {
          throw new ThrottledException("slow down", null);
        });
    assertEquals(2L, measured.value("kinesisanalytics.Stream.written.recordsRefused"));
    assertEquals(1L, measured.value("kinesisanalytics.Stream.written.throttled"));
  }

  private Object send(UnaryOperator<List<PutEntry>> put) throws InterruptedException {
    send(put, null);
    return outcome.take();
  }

  /** {@code onRetry} is thrown when entries are handed back. */
  private void send(UnaryOperator<List<PutEntry>> put, Error onRetry) {
    var sender = new BatchSender(new Writing(put), executor, metrics, Clock.systemUTC());
    sender.send(List.of(A, B), new Handler(onRetry));
  }

  private final class Handler implements ResultHandler<PutEntry> {
    private final Error onRetry;

    private Handler(Error onRetry) {
      this.onRetry = onRetry;
    }

    @Override
    public void complete() {
      outcome.add("complete");
    }

    @Override
    public void completeExceptionally(Exception e) {
      outcome.add(e);
    }

    @Override
    public void retryForEntries(List<PutEntry> entries) {
      if (onRetry != null) {
        throw onRetry;
      }
      outcome.add(entries);
    }
  }

  /** A stream that can only be written. */
  private record Writing(UnaryOperator<List<PutEntry>> put) implements KinesisStream {
    @Override
    public List<PutEntry> put(List<PutEntry> entries) {
      return put.apply(entries);
    }

    @Override
    public String name() {
      return "written";
    }

    @Override
    public List<Shard> shards() {
      throw new UnsupportedOperationException();
    }

    @Override
    public String iterator(String shardId, Position position) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Page read(String shardId, String iterator, int limit) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
  }
}
