package sdp.definitions;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * A version of a definition: a document that never changes and holds from an instant of event time
 * on.
 *
 * @param kind as rule or join; an operator ignores those that it does not know
 * @param version from 1 for each kind and name
 * @param validFrom epoch milliseconds
 * @param live whether it acts; otherwise it is only recorded
 * @param ended whether there is no such definition from then on
 * @param body the document, as JSON
 * @param checked the type-checked CEL expression of a rule, as base64; null if there is none
 * @param placeholders of a template, by the text of each placeholder its checked expression, as
 *     JSON
 */
public record Version(
    String kind,
    String name,
    long version,
    long validFrom,
    boolean live,
    boolean ended,
    String body,
    String checked,
    String placeholders) {

  public byte[] toBytes() {
    try {
      DataOutputSerializer out = new DataOutputSerializer(512);
      write(out, kind);
      write(out, name);
      out.writeLong(version);
      out.writeLong(validFrom);
      out.writeBoolean(live);
      out.writeBoolean(ended);
      write(out, body);
      write(out, checked);
      write(out, placeholders);
      return out.getCopyOfBuffer();
    } catch (IOException e) {
      throw new IllegalStateException("Memory cannot be written to", e);
    }
  }

  public static Version of(byte[] bytes) throws IOException {
    DataInputDeserializer in = new DataInputDeserializer(bytes);
    return new Version(
        text(in),
        text(in),
        in.readLong(),
        in.readLong(),
        in.readBoolean(),
        in.readBoolean(),
        text(in),
        text(in),
        text(in));
  }

  /** Writes versions into a state. */
  public static void writeAll(List<Version> versions, DataOutputSerializer out) throws IOException {
    out.writeInt(versions.size());
    for (Version version : versions) {
      byte[] bytes = version.toBytes();
      out.writeInt(bytes.length);
      out.write(bytes);
    }
  }

  /** Reads what {@link #writeAll} has written. */
  public static List<Version> readAll(DataInputDeserializer in) throws IOException {
    List<Version> versions = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      byte[] bytes = new byte[in.readInt()];
      in.readFully(bytes);
      versions.add(of(bytes));
    }
    return versions;
  }

  /** Texts may be longer than 64 KiB, the limit of writeUTF. */
  private static void write(DataOutputSerializer out, String text) throws IOException {
    byte[] bytes = text == null ? null : text.getBytes(UTF_8);
    out.writeInt(bytes == null ? -1 : bytes.length);
    if (bytes != null) {
      out.write(bytes);
    }
  }

  private static String text(DataInputDeserializer in) throws IOException {
    int length = in.readInt();
    if (length < 0) {
      return null;
    }
    byte[] bytes = new byte[length];
    in.readFully(bytes);
    return new String(bytes, UTF_8);
  }
}
