package sdp.kinesis.stream;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;

/** One record to be written. */
public record PutEntry(String partitionKey, byte[] data) implements Serializable {

  /** The size Kinesis counts against its limits. */
  public long sizeInBytes() {
    return data.length + (long) partitionKey.getBytes(StandardCharsets.UTF_8).length;
  }
}
