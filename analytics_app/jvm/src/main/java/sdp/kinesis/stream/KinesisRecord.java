package sdp.kinesis.stream;

/**
 * One record as it was read.
 *
 * @param arrivalMillis approximate time of arrival at the stream, epoch milliseconds
 */
public record KinesisRecord(
    String shardId, String sequenceNumber, String partitionKey, long arrivalMillis, byte[] data) {}
