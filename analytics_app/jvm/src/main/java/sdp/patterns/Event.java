package sdp.patterns;

import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * What the patterns know of one event of a key. Its id, and the text that a match carries on, are
 * parts of other bytes, which do not change while a key is evaluated.
 *
 * @param time epoch milliseconds
 * @param kind {@link #LEVEL}, {@link #AMOUNT}, or {@link #STEP} and the number of the step
 * @param value of a level or an amount
 * @param late it came after its time had been evaluated
 * @param carriedLength 0 if there is no text to carry on
 */
record Event(
    long time,
    int kind,
    double value,
    boolean late,
    byte[] bytes,
    int at,
    int length,
    int carriedAt,
    int carriedLength)
    implements Comparable<Event> {
  static final int LEVEL = 0;
  static final int AMOUNT = 1;
  static final int STEP = 2;

  /** Bytes of a text that is carried on: a name, which an open key has once for each event. */
  static final int MAX_CARRIED = 1 << 10;

  /** Of a step no value is stored. */
  static final int MAX_KIND = 0x3F;

  private static final int LATE = 0x80;
  private static final int CARRIES = 0x40;

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

  boolean carries() {
    return carriedLength > 0;
  }

  Event asLate() {
    return new Event(time, kind, value, true, bytes, at, length, carriedAt, carriedLength);
  }

  /** How many bytes it takes. */
  int size() {
    return 11 + (kind < STEP ? 8 : 0) + length + (carries() ? 2 + carriedLength : 0);
  }

  void write(DataOutputSerializer out) throws IOException {
    out.writeLong(time);
    out.writeByte(kind | (late ? LATE : 0) | (carries() ? CARRIES : 0));
    if (kind < STEP) {
      out.writeDouble(value);
    }
    out.writeShort(length);
    out.write(bytes, at, length);
    if (carries()) {
      out.writeShort(carriedLength);
      out.write(bytes, carriedAt, carriedLength);
    }
  }

  /** Passes over an event that {@link #read} would read; whether it has the id of another. */
  static boolean passes(DataInputDeserializer in, byte[] bytes, Event other) throws IOException {
    in.skipBytesToRead(Long.BYTES);
    int flagged = in.readUnsignedByte();
    in.skipBytesToRead((flagged & MAX_KIND) < STEP ? Double.BYTES : 0);
    int length = in.readUnsignedShort();
    int at = in.getPosition();
    in.skipBytesToRead(length);
    in.skipBytesToRead((flagged & CARRIES) != 0 ? in.readUnsignedShort() : 0);
    return Arrays.equals(bytes, at, at + length, other.bytes, other.at, other.at + other.length);
  }

  /** Reads an event whose texts stay where they are: in the bytes that are read. */
  static Event read(DataInputDeserializer in, byte[] bytes) throws IOException {
    long time = in.readLong();
    int flagged = in.readUnsignedByte();
    int kind = flagged & MAX_KIND;
    double value = kind < STEP ? in.readDouble() : 0;
    int length = in.readUnsignedShort();
    int at = in.getPosition();
    in.skipBytesToRead(length);
    int carriedLength = (flagged & CARRIES) != 0 ? in.readUnsignedShort() : 0;
    int carriedAt = in.getPosition();
    in.skipBytesToRead(carriedLength);
    boolean late = (flagged & LATE) != 0;
    return new Event(time, kind, value, late, bytes, at, length, carriedAt, carriedLength);
  }
}
