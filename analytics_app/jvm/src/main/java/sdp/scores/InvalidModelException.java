package sdp.scores;

/** There is no such model, or it cannot be used. It may be there later. */
public final class InvalidModelException extends Exception {
  private static final long serialVersionUID = 1L;

  public InvalidModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
