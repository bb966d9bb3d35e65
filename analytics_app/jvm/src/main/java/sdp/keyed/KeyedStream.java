package sdp.keyed;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.table.data.RowData;

/** Puts a keyed operator behind rows: packed by one operator, shuffled by key, taken by another. */
public final class KeyedStream {

  /**
   * Both operators have ids of their own, so their state is found again however the plan around
   * them and their parallelism change.
   */
  public static SingleOutputStreamOperator<RowData> attach(
      DataStream<RowData> rows,
      String name,
      OneInputStreamOperator<RowData, Packed> packer,
      OneInputStreamOperator<Packed, RowData> operator,
      TypeInformation<RowData> type) {
    return rows.transform(name + " pack", new PackedType(), packer)
        .uid(name + "-pack")
        .keyBy(new Partition(), Types.INT)
        .transform(name, type, operator)
        .uid(name);
  }

  private static final class Partition implements KeySelector<Packed, Integer> {
    private static final long serialVersionUID = 1L;

    @Override
    public Integer getKey(Packed packed) {
      return packed.partition();
    }
  }

  private KeyedStream() {}
}
