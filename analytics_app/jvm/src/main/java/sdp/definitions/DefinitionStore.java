package sdp.definitions;

import java.io.Serializable;
import java.util.List;

/** Where the versions of all definitions are. */
public interface DefinitionStore extends AutoCloseable {
  /** An update that nothing can follow. */
  long END = Long.MAX_VALUE;

  /**
   * What a read has found.
   *
   * @param versions those that were not read before, in the order in which they were written
   * @param instant all versions that are or ever will be valid from then or earlier have been read
   */
  record Update(List<Version> versions, long instant) {}

  /** Opens the store where it is read. */
  interface Opener extends Serializable {
    DefinitionStore open();
  }

  /** It cannot be read now, but may be later. */
  final class UnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public UnavailableException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** Reads what is new. The first read returns all there is. */
  default Update read() {
    return read(Long.MIN_VALUE);
  }

  /**
   * The same; the instant is this or later, so that nothing can be added up to there.
   *
   * @param reaching epoch milliseconds
   */
  Update read(long reaching);

  @Override
  void close();
}
