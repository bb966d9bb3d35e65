package sdp.scores;

import java.io.FileNotFoundException;
import java.io.IOException;
import org.apache.flink.core.fs.Path;

/** Models in files, of a run over files. */
public final class FileModels implements ModelStore {
  @Override
  public byte[] read(String uri) throws InvalidModelException {
    Path path = new Path(uri);
    try (var stream = path.getFileSystem().open(path)) {
      return stream.readAllBytes();
    } catch (FileNotFoundException e) {
      throw new InvalidModelException("there is no file " + uri, e);
    } catch (IOException e) {
      throw new InvalidModelException("%s cannot be read: %s".formatted(uri, e.getMessage()), e);
    }
  }

  @Override
  public void close() {}
}
