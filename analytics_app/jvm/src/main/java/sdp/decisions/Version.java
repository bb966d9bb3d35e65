package sdp.decisions;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * A version of a definition: a document that never changes and holds from an instant of event time
 * on.
 *
 * @param kind rule, template, threshold or model; others are ignored
 * @param version from 1 for each kind and name
 * @param validFrom epoch milliseconds
 * @param live whether it acts; otherwise it is only recorded
 * @param ended whether there is no such definition from then on
 * @param body the document, as JSON
 * @param checked the type-checked CEL expression of a rule, as base64; null if there is none
 * @param placeholders of a template, by the text of each placeholder its checked expression, as
 *     JSON
 */
record Version(
    String kind,
    String name,
    long version,
    long validFrom,
    boolean live,
    boolean ended,
    String body,
    String checked,
    String placeholders) {

  byte[] toBytes() {
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

  static Version of(byte[] bytes) throws IOException {
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
