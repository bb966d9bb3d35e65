package sdp.kinesis.sink;

import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.base.sink.AsyncSinkBase;
import org.apache.flink.connector.base.sink.writer.BufferedRequestState;
import org.apache.flink.connector.base.sink.writer.ElementConverter;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import sdp.kinesis.stream.PutEntry;
import sdp.kinesis.stream.StreamOpener;

/**
 * Writes to one Kinesis stream, at least once; only what was refused is written again.
 *
 * @param <T> what the converter turns into records
 */
public final class KinesisSink<T> extends AsyncSinkBase<T, PutEntry> {
  private static final long serialVersionUID = 1L;

  private final StreamOpener stream;
  private final WriteOptions options;

  /** A sink that opens the stream in each of its writers. */
  public KinesisSink(
      StreamOpener stream, ElementConverter<T, PutEntry> converter, WriteOptions options) {
    super(
        converter,
        options.batchSize(),
        options.inFlight(),
        options.buffered(),
        options.batchBytes(),
        options.flushMillis(),
        Math.min(WriteOptions.MAX_RECORD_BYTES, options.batchBytes()));
    this.stream = stream;
    this.options = options;
  }

  @Override
  public KinesisSinkWriter<T> createWriter(WriterInitContext context) {
    return restoreWriter(context, List.of());
  }

  @Override
  public KinesisSinkWriter<T> restoreWriter(
      WriterInitContext context, Collection<BufferedRequestState<PutEntry>> recovered) {
    return new KinesisSinkWriter<>(
        stream.open(), getElementConverter(), context, options, recovered);
  }

  @Override
  public SimpleVersionedSerializer<BufferedRequestState<PutEntry>> getWriterStateSerializer() {
    return new PutEntrySerializer();
  }
}
