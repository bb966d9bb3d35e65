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
import org.apache.flink.streaming.api.transformations.PhysicalTransformation;
import org.apache.flink.streaming.api.transformations.TwoInputTransformation;
import org.apache.flink.table.data.RowData;

/** Puts a keyed operator behind rows: packed by one operator, shuffled by key, taken by another. */
public final class KeyedStream {
  /**
   * How long rows on their way to and from an operator wait at most for others that are sent with
   * them, in milliseconds. Flink's own 100 cannot be changed by a setting on Managed Flink. Not in
   * front of sinks, which wait by themselves: each hop that hurries costs CPU while nothing comes.
   */
  private static final long MAX_WAIT = 10;

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
    return packed(rows, name, packer)
        .transform(name, type, operator)
        .uid(name)
        .setBufferTimeout(MAX_WAIT);
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
    return new Attached(environment, both).uid(name).setBufferTimeout(MAX_WAIT);
  }

  private static org.apache.flink.streaming.api.datastream.KeyedStream<Packed, Integer> packed(
      DataStream<RowData> rows, String name, OneInputStreamOperator<RowData, Packed> packer) {
    hurry(rows.getTransformation());
    return rows.transform(name + " pack", new PackedType(), packer)
        .uid(name + "-pack")
        .setBufferTimeout(MAX_WAIT)
        .keyBy(new Partition(), Types.INT);
  }

  /** What the planner has put before the rows may end in another task, as in front of a union. */
  private static void hurry(Transformation<?> rows) {
    for (Transformation<?> before : rows.getTransitivePredecessors()) {
      if (before instanceof PhysicalTransformation) {
        before.setBufferTimeout(MAX_WAIT);
      }
    }
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
