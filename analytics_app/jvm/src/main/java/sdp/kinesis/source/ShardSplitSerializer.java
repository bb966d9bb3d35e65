package sdp.kinesis.source;

import java.io.IOException;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;
import sdp.kinesis.stream.Position;

/** Splits in checkpoints. Those of the version before the watermark are read as without one. */
final class ShardSplitSerializer implements SimpleVersionedSerializer<ShardSplit> {
  /** Of splits and of the enumerator, whose state has splits. */
  static final int VERSION = 2;

  private static final int WITHOUT_WATERMARK = 1;

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
    return read(new DataInputDeserializer(serialized), version);
  }

  static void checkVersion(int version) throws IOException {
    if (version < WITHOUT_WATERMARK || version > VERSION) {
      throw new IOException(
          ("The Kinesis source's state has version %d; this version of the application reads %d to"
                  + " %d. Start the application version that wrote it, or start without the state.")
              .formatted(version, WITHOUT_WATERMARK, VERSION));
    }
  }

  static void write(ShardSplit split, DataOutputView out) throws IOException {
    out.writeUTF(split.shardId());
    write(split.position(), out);
    out.writeLong(split.watermark());
  }

  static void write(Position position, DataOutputView out) throws IOException {
    out.writeUTF(position.kind().name());
    out.writeUTF(position.value());
  }

  static ShardSplit read(DataInputView in, int version) throws IOException {
    String shardId = in.readUTF();
    Position position = readPosition(in);
    long watermark = version == WITHOUT_WATERMARK ? ShardSplit.NO_WATERMARK : in.readLong();
    return new ShardSplit(shardId, position, watermark);
  }

  static Position readPosition(DataInputView in) throws IOException {
    return new Position(Position.Kind.valueOf(in.readUTF()), in.readUTF());
  }
}
