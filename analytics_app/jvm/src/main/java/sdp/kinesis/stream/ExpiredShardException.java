package sdp.kinesis.stream;

/** The stream no longer keeps the shard: it is closed, and its last record has expired. */
public class ExpiredShardException extends RuntimeException {
  public ExpiredShardException(String message, Throwable cause) {
    super(message, cause);
  }
}
