package sdp.kinesis.stream;

/** The stream did not answer or refused for now: the same call may succeed later. */
public class TransientStreamException extends RuntimeException {
  public TransientStreamException(String message, Throwable cause) {
    super(message, cause);
  }
}
