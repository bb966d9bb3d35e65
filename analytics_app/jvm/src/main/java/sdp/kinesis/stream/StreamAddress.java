package sdp.kinesis.stream;

import java.io.Serializable;

/**
 * Where a stream is.
 *
 * @param arn the stream's ARN
 * @param region the region to sign for
 * @param endpoint another endpoint than the region's, or null
 */
public record StreamAddress(String arn, String region, String endpoint) implements Serializable {}
