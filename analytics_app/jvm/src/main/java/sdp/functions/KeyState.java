package sdp.functions;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/** A key of the correlation with its rows, and how it lies in Flink's state: as one byte array. */
final class KeyState extends Correlation.Key<Object[]> {

  /** The layout that is written; reading refuses any other. */
  private static final int LAYOUT = 2;

  /** The first value that is not null of each column over the matched stages, in stage order. */
  Object[] merged;

  KeyState(int stages) {
    super(stages);
  }

  /** Adds a row to what later stages are filled from; columns marked as own are left out. */
  void merge(Object[] row, boolean[] own) {
    if (merged == null) {
      merged = new Object[row.length];
    }
    for (int column = 0; column < row.length; column++) {
      if (!own[column] && merged[column] == null) {
        merged[column] = row[column];
      }
    }
  }

  byte[] write(Columns columns, DataOutputSerializer out) {
    try {
      out.clear();
      out.writeByte(LAYOUT);
      Columns.writeLong(seen, out);
      Columns.writeLong(matched, out);
      for (int stage = 0; stage < times.length; stage++) {
        if (has(stage)) {
          Columns.writeLong(times[stage], out);
        }
      }
      for (int stage = matched; stage < times.length; stage++) {
        if (has(stage)) {
          columns.write(pending(stage), out);
        }
      }
      if (merged != null) {
        columns.write(merged, out);
      }
      return out.getCopyOfBuffer();
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  static KeyState read(byte[] bytes, int stages, Columns columns) {
    KeyState key = new KeyState(stages);
    if (bytes != null) {
      try {
        key.read(new DataInputDeserializer(bytes), columns);
      } catch (IOException broken) {
        throw new UncheckedIOException(broken);
      }
    }
    return key;
  }

  private void read(DataInputDeserializer in, Columns columns) throws IOException {
    int layout = in.readUnsignedByte();
    if (layout != LAYOUT) {
      throw new IOException("State of layout " + layout + ", not " + LAYOUT);
    }
    seen = (int) Columns.readLong(in);
    matched = (int) Columns.readLong(in);
    for (int stage = 0; stage < times.length; stage++) {
      if (has(stage)) {
        times[stage] = Columns.readLong(in);
      }
    }
    for (int stage = matched; stage < times.length; stage++) {
      if (has(stage)) {
        put(stage, columns.read(in));
      }
    }
    merged = matched > 0 ? columns.read(in) : null;
  }
}
