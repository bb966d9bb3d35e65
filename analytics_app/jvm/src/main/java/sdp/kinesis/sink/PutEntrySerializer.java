package sdp.kinesis.sink;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import org.apache.flink.connector.base.sink.writer.AsyncSinkWriterStateSerializer;
import sdp.kinesis.stream.PutEntry;

/** Entries that wait to be written, in checkpoints. */
final class PutEntrySerializer extends AsyncSinkWriterStateSerializer<PutEntry> {
  @Override
  public int getVersion() {
    return 1;
  }

  @Override
  protected void serializeRequestToStream(PutEntry entry, DataOutputStream out) throws IOException {
    out.writeUTF(entry.partitionKey());
    out.writeInt(entry.data().length);
    out.write(entry.data());
  }

  @Override
  protected PutEntry deserializeRequestFromStream(long size, DataInputStream in)
      throws IOException {
    String partitionKey = in.readUTF();
    byte[] data = new byte[in.readInt()];
    in.readFully(data);
    return new PutEntry(partitionKey, data);
  }
}
