package sdp.scores;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A version of a model, and where it is.
 *
 * @param version as endpoint and registry call it
 * @param uri {@code s3://bucket/key}, or a path
 * @param fingerprint SHA-256 of the file, in hexadecimal digits
 */
public record Artifact(String version, String uri, String fingerprint) {

  /** Checks that the bytes are those of the file that was promoted. */
  void check(byte[] bytes) throws InvalidModelException {
    String actual = fingerprint(bytes);
    if (!actual.equals(fingerprint)) {
      throw new InvalidModelException(
          "%s has the fingerprint %s; %s was promoted".formatted(uri, actual, fingerprint), null);
    }
  }

  /** The fingerprint of a file. */
  public static String fingerprint(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256", e);
    }
  }
}
