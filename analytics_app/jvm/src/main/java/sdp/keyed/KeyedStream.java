package sdp.keyed;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.dag.Transformation;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.transformations.TwoInputTransformation;
import org.apache.flink.table.data.RowData;
import sdp.planning.Hops;
import sdp.planning.OperatorIds;

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
    return packed(rows, name, packer).transform(name, type, operator).uid(name);
  }

  /**
   * The same with a second input, of which every subtask gets every element. Flink's API has no
   * such operator, but its runtime runs one.
   */
  public static <T> SingleOutputStreamOperator<RowData> attach(
      DataStream<RowData> rows,
      String name,
      OneInputStreamOperator<RowData, Packed> packer,
      DataStream<T> broadcast,
      TwoInputStreamOperator<Packed, T, RowData> operator,
      TypeInformation<RowData> type) {
    var environment = rows.getExecutionEnvironment();
    var both =
        new TwoInputTransformation<>(
            packed(rows, name, packer).getTransformation(),
            broadcast.broadcast().getTransformation(),
            name,
            operator,
            type,
            environment.getParallelism(),
            false);
    both.setStateKeySelectors(new Partition(), null);
    both.setStateKeyType(Types.INT);
    environment.addOperator(both);
    return new Attached(environment, both).uid(name);
  }

  /** Rows that come from several tasks are packed in each of these: a hop less than behind them. */
  private static org.apache.flink.streaming.api.datastream.KeyedStream<Packed, Integer> packed(
      DataStream<RowData> rows, String name, OneInputStreamOperator<RowData, Packed> packer) {
    DataStream<Packed> packed = null;
    for (DataStream<RowData> branch : Hops.branches(rows)) {
      DataStream<Packed> more =
          branch
              .transform(name + " pack", new PackedType(), packer)
              .uid(OperatorIds.unique(rows.getExecutionEnvironment(), name + "-pack"));
      packed = packed == null ? more : packed.union(more);
    }
    Hops.shorten(packed);
    return packed.keyBy(new Partition(), Types.INT);
  }

  private static final class Attached extends SingleOutputStreamOperator<RowData> {
    Attached(StreamExecutionEnvironment environment, Transformation<RowData> operator) {
      super(environment, operator);
    }
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
