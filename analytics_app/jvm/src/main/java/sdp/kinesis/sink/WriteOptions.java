package sdp.kinesis.sink;

import java.io.Serializable;
import org.apache.flink.connector.base.sink.writer.config.AsyncSinkWriterConfiguration;

/**
 * How records are gathered into PutRecords.
 *
 * @param batchSize records in one call, 1 to 500
 * @param batchBytes bytes in one call, at most 10 MiB
 * @param inFlight calls at the same time
 * @param buffered records waiting, after which the sink slows its input down
 * @param flushMillis how long a record waits for others at most
 */
public record WriteOptions(
    int batchSize, long batchBytes, int inFlight, int buffered, long flushMillis)
    implements Serializable {

  /** The largest record, with its key, that Kinesis takes. */
  public static final long MAX_RECORD_BYTES = 10L * 1024 * 1024;

  AsyncSinkWriterConfiguration toConfiguration() {
    return AsyncSinkWriterConfiguration.builder()
        .setMaxBatchSize(batchSize)
        .setMaxBatchSizeInBytes(batchBytes)
        .setMaxInFlightRequests(inFlight)
        .setMaxBufferedRequests(buffered)
        .setMaxTimeInBufferMS(flushMillis)
        .setMaxRecordSizeInBytes(Math.min(MAX_RECORD_BYTES, batchBytes))
        .build();
  }
}
