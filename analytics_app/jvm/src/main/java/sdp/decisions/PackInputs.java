package sdp.decisions;

import java.io.Serializable;
import java.util.stream.IntStream;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import sdp.keyed.Packed;
import sdp.keyed.RowPacker;

/**
 * Packs business events and profiles: a row without a kind is a profile. One that has a second key
 * is packed for each of them; the second time without its own bytes and receipt, so that it is
 * counted once.
 */
final class PackInputs extends AbstractStreamOperator<Packed>
    implements OneInputStreamOperator<RowData, Packed> {
  private static final long serialVersionUID = 1L;

  /**
   * What is where in a row.
   *
   * @param secondKey -1 if there is none, as {@code data} and {@code received}
   */
  record Columns(
      LogicalTypeRoot[] types,
      int key,
      int secondKey,
      int kind,
      int id,
      int time,
      int data,
      int received)
      implements Serializable {
    /** Where each column is in a row. */
    int[] all() {
      return IntStream.range(0, types.length).toArray();
    }

    /** The same without bytes and receipt. */
    int[] withoutReceipt() {
      return IntStream.range(0, types.length)
          .map(c -> c == data || c == received ? -1 : c)
          .toArray();
    }
  }

  private final Columns columns;
  private final int[] all;
  private final int[] withoutReceipt;
  private final RowPacker byKey;
  private final RowPacker bySecondKey;

  private transient StreamRecord<Packed> out;

  PackInputs(Columns columns) {
    this.columns = columns;
    all = columns.all();
    withoutReceipt = columns.withoutReceipt();
    byKey = new RowPacker(columns.types, columns.key, columns.time, columns.data);
    bySecondKey = new RowPacker(columns.types, columns.secondKey, columns.time, columns.data);
  }

  @Override
  public void open() throws Exception {
    super.open();
    out = new StreamRecord<>(null);
  }

  @Override
  public void processElement(StreamRecord<RowData> element) {
    RowData row = element.getValue();
    if (row.isNullAt(columns.id) || row.isNullAt(columns.time)) {
      throw new IllegalArgumentException(
          "An event without an id or a time was inserted: leave out malformed events before");
    }
    boolean isProfile = row.isNullAt(columns.kind);
    boolean hasSecond = isProfile && columns.secondKey >= 0 && !row.isNullAt(columns.secondKey);
    if (hasSecond && row.isNullAt(columns.key)) {
      send(bySecondKey.pack(row, all, Layout.PROFILE, 0));
      return;
    }
    send(byKey.pack(row, all, isProfile ? Layout.PROFILE : Layout.EVENT, 0));
    if (hasSecond) {
      send(bySecondKey.pack(row, withoutReceipt, Layout.COPY, 0));
    }
  }

  private void send(Packed packed) {
    output.collect(out.replace(packed));
  }
}
