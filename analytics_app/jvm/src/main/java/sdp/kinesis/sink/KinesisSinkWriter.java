package sdp.kinesis.sink;

import java.time.Clock;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.base.sink.writer.AsyncSinkWriter;
import org.apache.flink.connector.base.sink.writer.BufferedRequestState;
import org.apache.flink.connector.base.sink.writer.ElementConverter;
import org.apache.flink.connector.base.sink.writer.ResultHandler;
import sdp.kinesis.stream.KinesisStream;
import sdp.kinesis.stream.PutEntry;

/** One parallel writer: owns the stream and the threads that write to it. */
final class KinesisSinkWriter<T> extends AsyncSinkWriter<T, PutEntry> {
  private static final int MAX_THREADS = 8;

  private final KinesisStream stream;
  private final ScheduledExecutorService executor;
  private final BatchSender sender;

  KinesisSinkWriter(
      KinesisStream stream,
      ElementConverter<T, PutEntry> converter,
      WriterInitContext context,
      WriteOptions options,
      Collection<BufferedRequestState<PutEntry>> recovered) {
    super(converter, context, options.toConfiguration(), recovered);
    this.stream = stream;
    this.executor = Executors.newScheduledThreadPool(Math.min(options.inFlight(), MAX_THREADS));
    SinkMetrics metrics = SinkMetrics.register(context.metricGroup(), stream.name());
    this.sender = new BatchSender(stream, executor, metrics, Clock.systemUTC());
  }

  @Override
  protected void submitRequestEntries(List<PutEntry> entries, ResultHandler<PutEntry> result) {
    sender.send(entries, result);
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
}
