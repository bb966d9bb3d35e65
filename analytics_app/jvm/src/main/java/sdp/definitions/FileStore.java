package sdp.definitions;

import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.fs.Path;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/**
 * A file with one version a line, as JSON with the attributes of the table's items; {@code body}
 * and {@code placeholders} are objects or their text. Without the file there are no definitions.
 */
final class FileStore implements DefinitionStore {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String path;

  FileStore(String path) {
    this.path = path;
  }

  @Override
  public Update read(long reaching) {
    List<Version> versions = new ArrayList<>();
    Path file = new Path(path);
    try (var stream = file.getFileSystem().open(file);
        var lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.isBlank()) {
          versions.add(version(JSON.readTree(line)));
        }
      }
    } catch (FileNotFoundException e) {
      return new Update(List.of(), END);
    } catch (IOException e) {
      throw new IllegalStateException("%s cannot be read: %s".formatted(path, e.getMessage()), e);
    }
    return new Update(versions, END);
  }

  private static Version version(JsonNode item) {
    return new Version(
        item.path("kind").asText(),
        item.path("name").asText(),
        item.path("version").asLong(),
        item.path("valid_from").asLong(),
        !"shadow".equals(item.path("mode").asText()),
        item.path("ended").asBoolean(),
        text(item, "body"),
        text(item, "checked"),
        text(item, "placeholders"));
  }

  private static String text(JsonNode item, String name) {
    JsonNode value = item.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return null;
    }
    return value.isTextual() ? value.asText() : value.toString();
  }

  @Override
  public void close() {}
}
