package sdp.kinesis.source;

import java.io.IOException;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;
import sdp.kinesis.stream.Position;

/** Splits in checkpoints. */
final class ShardSplitSerializer implements SimpleVersionedSerializer<ShardSplit> {
  private static final int VERSION = 1;

  @Override
  public int getVersion() {
    return VERSION;
  }

  @Override
  public byte[] serialize(ShardSplit split) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(128);
    write(split, out);
    return out.getCopyOfBuffer();
  }

  @Override
  public ShardSplit deserialize(int version, byte[] serialized) throws IOException {
    checkVersion(version);
    return read(new DataInputDeserializer(serialized));
  }

  static void checkVersion(int version) throws IOException {
    if (version != VERSION) {
      throw new IOException("Unknown version of the Kinesis source's state: " + version);
    }
  }

  static void write(ShardSplit split, DataOutputView out) throws IOException {
    out.writeUTF(split.shardId());
    write(split.position(), out);
  }

  static void write(Position position, DataOutputView out) throws IOException {
    out.writeUTF(position.kind().name());
    out.writeUTF(position.value());
  }

  static ShardSplit read(DataInputView in) throws IOException {
    return new ShardSplit(in.readUTF(), readPosition(in));
  }

  static Position readPosition(DataInputView in) throws IOException {
    return new Position(Position.Kind.valueOf(in.readUTF()), in.readUTF());
  }
}
