package sdp.functions;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.zip.GZIPOutputStream;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.functions.ScalarFunction;
import org.apache.flink.types.Row;

/**
 * ENCLOSE: what a dead letter carries of a record's bytes.
 *
 * <pre>{@code
 * ENCLOSE(data, 716800) -- payload, encoding, remark
 * }</pre>
 *
 * Up to a limit they are unchanged; above it they are compressed, which {@code encoding} says.
 * Where even that is too much there is no payload, and the remark says how many bytes are to be
 * found in the source: one record that no stream takes would end the job again and again.
 */
@FunctionHint(output = @DataTypeHint("ROW<payload BYTES, encoding STRING, remark STRING>"))
public final class Enclose extends ScalarFunction {
  private static final long serialVersionUID = 1L;
  private static final Row NOTHING = Row.of(null, null, null);

  /** The bytes' enclosure, of at most {@code limit} bytes. */
  public Row eval(byte[] data, Integer limit) {
    if (data == null) {
      return NOTHING;
    }
    if (data.length <= limit) {
      return Row.of(data, null, null);
    }
    byte[] compressed = compressed(data);
    if (compressed.length <= limit) {
      return Row.of(compressed, "gzip", null);
    }
    String remark = "; its %d bytes are too many for a dead letter: read them in its source";
    return Row.of(null, null, String.format(remark, data.length));
  }

  private static byte[] compressed(byte[] data) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(data.length / 4);
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(data);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // not with bytes in memory
    }
    return bytes.toByteArray();
  }
}
