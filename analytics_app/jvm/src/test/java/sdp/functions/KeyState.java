package sdp.functions;

import java.io.IOException;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.data.StringData;

/** A key of the correlation with its rows, and its form in Flink's state. */
final class KeyState extends Correlation.Key<Object[]> {

  /** The layout that is written; reading refuses any other. */
  private static final int LAYOUT = 4;

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

  /** The key itself: the same in each of its rows. */
  StringData key(int column) {
    return (StringData) (merged != null ? merged : waiting.get(0).record)[column];
  }

  void write(Columns columns, DataOutputSerializer out) throws IOException {
    out.writeByte(LAYOUT);
    Columns.writeLong(seen, out);
    Columns.writeLong(matched, out);
    for (int stage = 0; stage < times.length; stage++) {
      if (has(stage)) {
        Columns.writeLong(times[stage], out);
      }
    }
    Columns.writeLong(waiting.size(), out);
    for (Correlation.Waiting<Object[]> each : waiting) {
      Columns.writeLong(each.stage, out);
      Columns.writeLong(each.time, out);
      out.writeBoolean(each.placed);
      columns.write(each.record, out);
    }
    if (merged != null) {
      columns.write(merged, out);
    }
  }

  static KeyState read(DataInputDeserializer in, int stages, Columns columns) throws IOException {
    KeyState key = new KeyState(stages);
    key.read(in, columns);
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
    for (long left = Columns.readLong(in); left > 0; left--) {
      int stage = (int) Columns.readLong(in);
      long time = Columns.readLong(in);
      boolean placed = in.readBoolean();
      waiting.add(new Correlation.Waiting<>(stage, time, columns.read(in), placed));
    }
    merged = matched > 0 ? columns.read(in) : null;
  }

  @Override
  void removeFirst() {
    super.removeFirst();
    merged = null;
  }
}
