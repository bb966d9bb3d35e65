package sdp.correlate;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.types.logical.LogicalTypeRoot;

/**
 * What a subtask stores beside its logs: the greatest watermark it ever had, the time before which
 * records are late, and the columns and stages by whose numbers the entries are written. The first
 * number is the version of the layout of header and entries; it changes when either does, and older
 * versions stay readable. Up to version 2 at most 64 records of a key waited.
 */
record Header(
    long watermark,
    long floor,
    List<String> columns,
    List<LogicalTypeRoot> types,
    List<String> stages) {
  private static final int VERSION = 3;

  /** Without the floor: it follows from the watermark and the lateness of the job that reads it. */
  private static final int WITHOUT_FLOOR = 1;

  static Header of(Layout layout, long watermark, long floor) {
    return new Header(watermark, floor, layout.columns(), layout.types(), layout.stages());
  }

  /** Whether entries can be read by the layout as they are. */
  boolean fits(Layout layout) {
    return columns.equals(layout.columns())
        && types.equals(layout.types())
        && stages.equals(layout.stages());
  }

  byte[] write() throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(512);
    out.writeInt(VERSION);
    out.writeLong(watermark);
    out.writeLong(floor);
    out.writeInt(columns.size());
    for (int i = 0; i < columns.size(); i++) {
      out.writeUTF(columns.get(i));
      out.writeUTF(types.get(i).name());
    }
    out.writeInt(stages.size());
    for (String stage : stages) {
      out.writeUTF(stage);
    }
    return out.getCopyOfBuffer();
  }

  static Header read(byte[] bytes) throws IOException {
    DataInputDeserializer in = new DataInputDeserializer(bytes);
    int version = in.readInt();
    if (version < WITHOUT_FLOOR || version > VERSION) {
      throw new IOException(
          "The state of the correlation has layout %d; this version reads 1 to %d. Start it with"
                  .formatted(version, VERSION)
              + " the version of the platform that wrote it, or a newer one.");
    }
    long watermark = in.readLong();
    long floor = version == WITHOUT_FLOOR ? Join.NO_WATERMARK : in.readLong();
    List<String> columns = new ArrayList<>();
    List<LogicalTypeRoot> types = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      columns.add(in.readUTF());
      types.add(LogicalTypeRoot.valueOf(in.readUTF()));
    }
    List<String> stages = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      stages.add(in.readUTF());
    }
    return new Header(watermark, floor, columns, types, stages);
  }
}
