package sdp.scores;

import java.io.Serializable;

/** Where models are. Used by one thread. */
public interface ModelStore extends AutoCloseable {

  /** Opens the store where it is read. */
  interface Opener extends Serializable {
    ModelStore open();
  }

  /** It cannot be read now, but may be in a moment. */
  final class UnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnavailableException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** A model's file. */
  byte[] read(String uri) throws InvalidModelException;

  @Override
  void close();
}
