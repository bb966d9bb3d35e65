package sdp.kinesis.sink;

import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.base.sink.writer.AsyncSinkWriter;
import org.apache.flink.connector.base.sink.writer.BufferedRequestState;
import org.apache.flink.connector.base.sink.writer.ElementConverter;
import org.apache.flink.connector.base.sink.writer.RequestEntryWrapper;
import org.apache.flink.connector.base.sink.writer.ResultHandler;
import sdp.kinesis.stream.KinesisStream;
import sdp.kinesis.stream.PutEntry;

/**
 * One parallel writer: owns the stream and the threads that write to it.
 *
 * <p>A checkpoint has the entries that are being written as well as those that wait. Flink's writer
 * stores only those that wait, and before a checkpoint waits until none is being written. But where
 * two sinks are in one task, the other one waits after it, and its own timer sends meanwhile:
 * entries that were lost if the job crashed before they had been written.
 */
final class KinesisSinkWriter<T> extends AsyncSinkWriter<T, PutEntry> {
  private static final int MAX_THREADS = 8;

  private final KinesisStream stream;
  private final MailboxExecutor mailbox;
  private final ScheduledExecutorService executor;
  private final BatchSender sender;

  /** In the order in which they were sent; only the task's own thread has it. */
  private final List<List<PutEntry>> beingWritten = new ArrayList<>();

  KinesisSinkWriter(
      KinesisStream stream,
      ElementConverter<T, PutEntry> converter,
      WriterInitContext context,
      WriteOptions options,
      Collection<BufferedRequestState<PutEntry>> recovered) {
    super(converter, context, options.toConfiguration(), recovered);
    this.stream = stream;
    this.mailbox = context.getMailboxExecutor();
    this.executor = Executors.newScheduledThreadPool(Math.min(options.inFlight(), MAX_THREADS));
    SinkMetrics metrics = SinkMetrics.register(context.metricGroup(), stream.name());
    this.sender = new BatchSender(stream, executor, metrics, Clock.systemUTC());
  }

  @Override
  protected void submitRequestEntries(List<PutEntry> entries, ResultHandler<PutEntry> result) {
    beingWritten.add(entries);
    sender.send(entries, new Forgetting(entries, result));
  }

  @Override
  public List<BufferedRequestState<PutEntry>> snapshotState(long checkpoint) {
    List<BufferedRequestState<PutEntry>> states = super.snapshotState(checkpoint);
    if (beingWritten.isEmpty()) {
      return states;
    }
    List<RequestEntryWrapper<PutEntry>> all = new ArrayList<>();
    beingWritten.forEach(batch -> batch.forEach(entry -> all.add(wrapped(entry))));
    states.forEach(state -> all.addAll(state.getBufferedRequestEntries()));
    return List.of(new BufferedRequestState<>(all));
  }

  private RequestEntryWrapper<PutEntry> wrapped(PutEntry entry) {
    return new RequestEntryWrapper<>(entry, getSizeInBytes(entry));
  }

  @Override
  protected long getSizeInBytes(PutEntry entry) {
    return entry.sizeInBytes();
  }

  @Override
  public void close() {
    executor.shutdownNow();
    stream.close();
    super.close();
  }

  /** Says what became of a batch, and behind that, in the task's thread, forgets it. */
  private final class Forgetting implements ResultHandler<PutEntry> {
    private final List<PutEntry> entries;
    private final ResultHandler<PutEntry> result;

    Forgetting(List<PutEntry> entries, ResultHandler<PutEntry> result) {
      this.entries = entries;
      this.result = result;
    }

    @Override
    public void complete() {
      result.complete();
      forget();
    }

    @Override
    public void completeExceptionally(Exception e) {
      result.completeExceptionally(e);
    }

    /** Those to be written again are in the buffer before they are forgotten here. */
    @Override
    public void retryForEntries(List<PutEntry> refused) {
      result.retryForEntries(refused);
      forget();
    }

    private void forget() {
      try {
        mailbox.execute(
            () -> beingWritten.removeIf(batch -> batch == entries), "Forget what is written");
      } catch (RejectedExecutionException e) {
        // The task has ended, and with it what it knew.
      }
    }
  }
}
