package sdp.series;

import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * What is known of one key beside its samples; one object serves all keys.
 *
 * <p>Payload: for each series the greatest time (8 bytes) and the time up to which its samples are
 * settled (8); the final and the provisional frontier; up to which time what waits has its next
 * sample (8); when the key is due (8); whether pairs are provisional (1); and the numbers of the
 * buckets ({@link Runs}).
 */
final class KeyState {
  /** The greatest time of each series. */
  final long[] newest = new long[2];

  /** What is before it is settled: a sample that comes later is late. It never goes back. */
  final long[] settled = new long[2];

  /** Up to where pairs are final. */
  final Frontier decided = new Frontier();

  /** Up to where pairs are provisional; behind {@link #decided} if none can be. */
  final Frontier assumed = new Frontier();

  /** Samples that wait at {@link #decided}, up to this time, have their next one behind it. */
  long paired;

  /** At which watermark the key is looked at again. */
  long dueAt;

  boolean hasProvisional;

  private final Timeline timeline;
  private final DataOutputSerializer out = new DataOutputSerializer(512);
  private final DataInputDeserializer in = new DataInputDeserializer();

  KeyState(Timeline timeline) {
    this.timeline = timeline;
  }

  void clear() {
    Arrays.fill(newest, Frontier.NONE);
    Arrays.fill(settled, Frontier.NONE);
    decided.clear();
    assumed.clear();
    paired = Frontier.NONE;
    dueAt = Long.MAX_VALUE;
    hasProvisional = false;
    timeline.clear();
  }

  /** No sample can be paired with what is known; what is late is known still. */
  void forget() {
    Arrays.fill(newest, Frontier.NONE);
    decided.clear();
    assumed.clear();
    paired = Frontier.NONE;
  }

  void read(byte[] bytes, int at) throws IOException {
    in.setBuffer(bytes, at, bytes.length - at);
    for (int side = Side.R; side <= Side.S; side++) {
      newest[side] = in.readLong();
      settled[side] = in.readLong();
    }
    decided.read(in);
    assumed.read(in);
    paired = in.readLong();
    dueAt = in.readLong();
    hasProvisional = in.readBoolean();
    timeline.clear();
    timeline.numbers().read(in);
  }

  /** Writes the payload; returns its length. */
  int write() throws IOException {
    out.clear();
    for (int side = Side.R; side <= Side.S; side++) {
      out.writeLong(newest[side]);
      out.writeLong(settled[side]);
    }
    decided.write(out);
    assumed.write(out);
    out.writeLong(paired);
    out.writeLong(dueAt);
    out.writeBoolean(hasProvisional);
    timeline.numbers().write(out);
    return out.length();
  }

  byte[] payload() {
    return out.getSharedBuffer();
  }
}
