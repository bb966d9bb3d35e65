package sdp.load;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;

/** The lines of a file in batches: bodies of requests. */
final class Batches implements Iterator<Map<String, Object>> {
  static final String BODY = "body";

  private final BufferedReader lines;
  private final int size;
  private String next;

  Batches(Path file, int size) {
    this.size = size;
    try {
      lines = Files.newBufferedReader(file);
      next = lines.readLine();
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read", e);
    }
  }

  @Override
  public boolean hasNext() {
    return next != null;
  }

  @Override
  public Map<String, Object> next() {
    if (next == null) {
      throw new NoSuchElementException("the file has fewer events than the load needs");
    }
    StringBuilder body = new StringBuilder();
    try {
      for (int n = 0; n < size && next != null; n++) {
        body.append(next).append('\n');
        next = lines.readLine();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Map.of(BODY, body.toString());
  }
}
