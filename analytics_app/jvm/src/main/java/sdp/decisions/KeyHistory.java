package sdp.decisions;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import sdp.keyed.Packed;

/**
 * What is known of one key, read from bytes and written to bytes; one object serves all keys.
 *
 * <p>Payload: how many business events wait (2 bytes) and profiles are known (2), and of each its
 * time (8), the length of its id (2), of its fields (4), the id and the fields. The highest bit of
 * the length of the fields says that it was late when it came.
 */
final class KeyHistory {
  /** More of a key is never stored, beside the last entry, so that no key grows for ever. */
  static final int MAX_BYTES = 1 << 16;

  /** By time, then by id: of two profiles of one time the one with the greater id is in force. */
  static final Comparator<Entry> ORDER =
      Comparator.comparingLong(Entry::time).thenComparing(Entry::id, Arrays::compareUnsigned);

  private static final int LATE = 1 << 31;

  /** A business event or a profile; its fields are a part of other bytes. */
  record Entry(long time, byte[] id, boolean late, byte[] bytes, int at, int length) {
    boolean hasId(byte[] other) {
      return Arrays.equals(id, other);
    }

    int size() {
      return 14 + id.length + length;
    }
  }

  /** Business events that are to be decided. */
  final List<Entry> waiting = new ArrayList<>();

  /** Profiles in their {@link #ORDER}: the one in force at the earliest time, and newer ones. */
  final List<Entry> profiles = new ArrayList<>();

  private final DataOutputSerializer out = new DataOutputSerializer(1024);
  private final DataOutputSerializer fields = new DataOutputSerializer(512);
  private final DataInputDeserializer in = new DataInputDeserializer();

  void clear() {
    waiting.clear();
    profiles.clear();
  }

  boolean isEmpty() {
    return waiting.isEmpty() && profiles.isEmpty();
  }

  boolean isCrowded() {
    return size(waiting) + size(profiles) >= MAX_BYTES;
  }

  private static int size(List<Entry> entries) {
    return entries.stream().mapToInt(Entry::size).sum();
  }

  Entry entry(Packed packed, byte[] id, boolean late, Fields of) throws IOException {
    fields.clear();
    of.write(packed, fields);
    return new Entry(packed.time(), id, late, fields.getCopyOfBuffer(), 0, fields.length());
  }

  void addProfile(Entry profile) {
    profiles.add(profile);
    profiles.sort(ORDER);
  }

  /** The business event of this id that waits, or null. */
  Entry waiting(byte[] id) {
    return waiting.stream().filter(entry -> entry.hasId(id)).findFirst().orElse(null);
  }

  /** The profile of this time and id that is known, or null. */
  Entry profile(long time, byte[] id) {
    return profiles.stream()
        .filter(entry -> entry.time == time && entry.hasId(id))
        .findFirst()
        .orElse(null);
  }

  /** The profile in force at a time; null if none is known. */
  Entry profileAt(long time) {
    Entry found = null;
    for (Entry profile : profiles) {
      if (profile.time <= time) {
        found = profile;
      }
    }
    return found;
  }

  /** Forgets the profiles that no event of the time or later can need. */
  void forgetBefore(long time) {
    Entry needed = profileAt(time);
    if (needed != null) {
      profiles.subList(0, profiles.indexOf(needed)).clear();
    }
  }

  // --- bytes ------------------------------------------------------------------------------------

  /** Reads a payload; the fields stay where they are. */
  void read(byte[] bytes, int at) throws IOException {
    clear();
    in.setBuffer(bytes, at, bytes.length - at);
    int waits = in.readUnsignedShort();
    int knows = in.readUnsignedShort();
    for (int left = waits; left > 0; left--) {
      waiting.add(readEntry(bytes));
    }
    for (int left = knows; left > 0; left--) {
      profiles.add(readEntry(bytes));
    }
  }

  private Entry readEntry(byte[] bytes) throws IOException {
    long time = in.readLong();
    byte[] id = new byte[in.readUnsignedShort()];
    int flagged = in.readInt();
    int length = flagged & ~LATE;
    in.readFully(id);
    int at = in.getPosition();
    in.skipBytesToRead(length);
    return new Entry(time, id, (flagged & LATE) != 0, bytes, at, length);
  }

  /** Writes the payload; returns its length. */
  int write() throws IOException {
    out.clear();
    out.writeShort(waiting.size());
    out.writeShort(profiles.size());
    for (Entry entry : waiting) {
      write(entry);
    }
    for (Entry entry : profiles) {
      write(entry);
    }
    return out.length();
  }

  private void write(Entry entry) throws IOException {
    out.writeLong(entry.time);
    out.writeShort(entry.id.length);
    out.writeInt(entry.length | (entry.late ? LATE : 0));
    out.write(entry.id);
    out.write(entry.bytes, entry.at, entry.length);
  }

  byte[] payload() {
    return out.getSharedBuffer();
  }
}
