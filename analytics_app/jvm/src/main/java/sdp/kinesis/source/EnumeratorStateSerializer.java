package sdp.kinesis.source;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;
import sdp.kinesis.stream.Position;

/** The enumerator's state in checkpoints. */
final class EnumeratorStateSerializer implements SimpleVersionedSerializer<EnumeratorState> {
  @Override
  public int getVersion() {
    return ShardSplitSerializer.VERSION;
  }

  @Override
  public byte[] serialize(EnumeratorState state) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(256);
    ShardSplitSerializer.write(state.start(), out);
    writeIds(state.assigned(), out);
    writeIds(state.finished(), out);
    out.writeInt(state.returned().size());
    for (ShardSplit split : state.returned()) {
      ShardSplitSerializer.write(split, out);
    }
    return out.getCopyOfBuffer();
  }

  private static void writeIds(Set<String> ids, DataOutputView out) throws IOException {
    out.writeInt(ids.size());
    for (String id : ids) {
      out.writeUTF(id);
    }
  }

  @Override
  public EnumeratorState deserialize(int version, byte[] serialized) throws IOException {
    ShardSplitSerializer.checkVersion(version);
    DataInputDeserializer in = new DataInputDeserializer(serialized);
    Position start = ShardSplitSerializer.readPosition(in);
    Set<String> assigned = readIds(in);
    Set<String> finished = readIds(in);
    List<ShardSplit> returned = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      returned.add(ShardSplitSerializer.read(in, version));
    }
    return new EnumeratorState(start, assigned, finished, returned);
  }

  private static Set<String> readIds(DataInputView in) throws IOException {
    Set<String> ids = new HashSet<>();
    for (int left = in.readInt(); left > 0; left--) {
      ids.add(in.readUTF());
    }
    return ids;
  }
}
