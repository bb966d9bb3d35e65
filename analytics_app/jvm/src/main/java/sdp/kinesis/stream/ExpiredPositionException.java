package sdp.kinesis.stream;

/** A shard iterator is no longer known: a new one for the same place is needed. */
public class ExpiredPositionException extends RuntimeException {
  public ExpiredPositionException(String message, Throwable cause) {
    super(message, cause);
  }
}
