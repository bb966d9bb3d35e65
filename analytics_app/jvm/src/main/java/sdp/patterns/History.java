package sdp.patterns;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import sdp.keyed.Bytes;

/**
 * What is known of one key, read from bytes and written to bytes; one object serves all keys.
 *
 * <p>Payload: how many events wait (2 bytes) and are known (2), the time before which known events
 * may have been dropped (8), the events, how many patterns have a state (1), and for each of these
 * the hash of its name (4), a length (2) and the state.
 */
final class History {
  /** Of more known events of a key the oldest are dropped. */
  static final int MAX_KNOWN = 1_000;

  /** More of one key's events never wait, beside the last one, so that no key grows for ever. */
  static final int MAX_WAITING_BYTES = 1 << 16;

  /** Events that came in time and are to be evaluated when the watermark has passed them. */
  final List<Event> waiting = new ArrayList<>();

  /** Events that are remembered: those evaluated in their order, late ones as they came. */
  final List<Event> known = new ArrayList<>();

  private final Pattern[] patterns;
  private final int[] names;
  private final DataOutputSerializer out = new DataOutputSerializer(1024);
  private final DataOutputSerializer section = new DataOutputSerializer(256);
  private final DataInputDeserializer in = new DataInputDeserializer();
  private long droppedBefore;
  private int waitingBytes;

  History(Pattern[] patterns) {
    this.patterns = patterns;
    names = new int[patterns.length];
    for (int i = 0; i < names.length; i++) {
      byte[] name = (patterns[i].kind() + " " + patterns[i].layout()).getBytes(UTF_8);
      names[i] = (int) Bytes.hash(name, 0, name.length);
    }
  }

  void clear() {
    waiting.clear();
    waitingBytes = 0;
    known.clear();
    droppedBefore = Long.MIN_VALUE;
    for (Pattern pattern : patterns) {
      pattern.clear();
    }
  }

  boolean isEmpty() {
    for (Pattern pattern : patterns) {
      if (!pattern.isEmpty()) {
        return false;
      }
    }
    return waiting.isEmpty() && known.isEmpty();
  }

  boolean isCrowded() {
    return waitingBytes >= MAX_WAITING_BYTES;
  }

  /** Whether all events from that time on that were to be remembered are known. */
  boolean isCompleteFrom(long time) {
    return time >= droppedBefore;
  }

  void await(Event event) {
    waiting.add(event);
    waitingBytes += event.size();
  }

  /** The first events that waited no longer do. */
  void evaluated(int count) {
    List<Event> first = waiting.subList(0, count);
    first.forEach(event -> waitingBytes -= event.size());
    first.clear();
  }

  void remember(Event event) {
    known.add(event);
    if (known.size() > MAX_KNOWN) {
      droppedBefore = Math.max(droppedBefore, known.remove(0).time() + 1);
    }
  }

  // --- bytes ------------------------------------------------------------------------------------

  /** Reads a payload; the ids of the events stay where they are. */
  void read(byte[] bytes, int at) throws IOException {
    clear();
    in.setBuffer(bytes, at, bytes.length - at);
    int waits = in.readUnsignedShort();
    int knows = in.readUnsignedShort();
    droppedBefore = in.readLong();
    for (int left = waits; left > 0; left--) {
      await(Event.read(in, bytes));
    }
    for (int left = knows; left > 0; left--) {
      known.add(Event.read(in, bytes));
    }
    for (int left = in.readUnsignedByte(); left > 0; left--) {
      readState(bytes);
    }
  }

  /** The state of a pattern that is no longer one is skipped, and so leaves with the next write. */
  private void readState(byte[] bytes) throws IOException {
    int name = in.readInt();
    int length = in.readUnsignedShort();
    int end = in.getPosition() + length;
    for (int i = 0; i < patterns.length; i++) {
      if (names[i] == name) {
        patterns[i].read(in, bytes);
      }
    }
    in.skipBytesToRead(end - in.getPosition());
  }

  /**
   * Writes a payload with one more event that waits, as a copy: most events are only added to what
   * is known, and evaluated later. Of this object nothing else is changed.
   *
   * @return the length; 0 if the event must be compared with the others first, because one has its
   *     id, or because many wait
   */
  int append(byte[] bytes, int at, int length, Event event) throws IOException {
    in.setBuffer(bytes, at, length);
    int waits = in.readUnsignedShort();
    int count = waits + in.readUnsignedShort();
    in.skipBytesToRead(Long.BYTES);
    int first = in.getPosition();
    int behind = first;
    for (int i = 1; i <= count; i++) {
      if (Event.passes(in, bytes, event)) {
        return 0;
      }
      if (i == waits) {
        behind = in.getPosition();
      }
    }
    if (behind - first >= MAX_WAITING_BYTES) {
      return 0;
    }
    out.clear();
    out.writeShort(waits + 1);
    out.write(bytes, at + Short.BYTES, behind - at - Short.BYTES);
    event.write(out);
    out.write(bytes, behind, at + length - behind);
    return out.length();
  }

  /** Writes the payload; returns its length. */
  int write() throws IOException {
    out.clear();
    out.writeShort(waiting.size());
    out.writeShort(known.size());
    out.writeLong(droppedBefore);
    for (Event event : waiting) {
      event.write(out);
    }
    for (Event event : known) {
      event.write(out);
    }
    int count = 0;
    for (Pattern pattern : patterns) {
      count += pattern.isEmpty() ? 0 : 1;
    }
    out.writeByte(count);
    for (int i = 0; i < patterns.length; i++) {
      if (!patterns[i].isEmpty()) {
        writeState(i);
      }
    }
    return out.length();
  }

  private void writeState(int pattern) throws IOException {
    section.clear();
    patterns[pattern].write(section);
    out.writeInt(names[pattern]);
    out.writeShort(section.length());
    out.write(section.getSharedBuffer(), 0, section.length());
  }

  byte[] payload() {
    return out.getSharedBuffer();
  }
}
