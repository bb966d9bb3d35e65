package sdp.kinesis.stream;

/** The stream has too much to do for its capacity: the same call may succeed later. */
public class ThrottledException extends TransientStreamException {
  public ThrottledException(String message, Throwable cause) {
    super(message, cause);
  }
}
