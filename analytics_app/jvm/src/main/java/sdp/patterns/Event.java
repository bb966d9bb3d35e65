package sdp.patterns;

import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * What the patterns know of one event of a key. Its id is a part of other bytes, which do not
 * change while a key is evaluated.
 *
 * @param time epoch milliseconds
 * @param kind {@link #LEVEL}, {@link #AMOUNT}, or {@link #STEP} and the number of the step
 * @param value of a level or an amount
 * @param late it came after its time had been evaluated
 */
record Event(long time, int kind, double value, boolean late, byte[] bytes, int at, int length)
    implements Comparable<Event> {
  static final int LEVEL = 0;
  static final int AMOUNT = 1;
  static final int STEP = 2;

  /** Of a step no value is stored. */
  static final int MAX_KIND = Byte.MAX_VALUE;

  private static final int LATE = 0x80;

  /** By time; of one time a level before amounts, steps in their order, and then by id. */
  @Override
  public int compareTo(Event other) {
    int order = Long.compare(time, other.time);
    order = order != 0 ? order : Integer.compare(kind, other.kind);
    return order != 0
        ? order
        : Arrays.compareUnsigned(
            bytes, at, at + length, other.bytes, other.at, other.at + other.length);
  }

  boolean hasSameId(Event other) {
    return Arrays.equals(bytes, at, at + length, other.bytes, other.at, other.at + other.length);
  }

  /** Whether it adds to a count: amounts that reduce are not counted. */
  boolean isCounted() {
    return kind == AMOUNT && value > 0 && !late;
  }

  Event asLate() {
    return new Event(time, kind, value, true, bytes, at, length);
  }

  /** How many bytes it takes. */
  int size() {
    return 11 + (kind < STEP ? 8 : 0) + length;
  }

  void write(DataOutputSerializer out) throws IOException {
    out.writeLong(time);
    out.writeByte(kind | (late ? LATE : 0));
    if (kind < STEP) {
      out.writeDouble(value);
    }
    out.writeShort(length);
    out.write(bytes, at, length);
  }

  /** Reads an event whose id stays where it is: in the bytes that are read. */
  static Event read(DataInputDeserializer in, byte[] bytes) throws IOException {
    long time = in.readLong();
    int kind = in.readUnsignedByte();
    double value = (kind & ~LATE) < STEP ? in.readDouble() : 0;
    int length = in.readUnsignedShort();
    int at = in.getPosition();
    in.skipBytesToRead(length);
    return new Event(time, kind & ~LATE, value, (kind & LATE) != 0, bytes, at, length);
  }
}
