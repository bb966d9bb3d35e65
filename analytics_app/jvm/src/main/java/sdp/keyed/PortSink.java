package sdp.keyed;

import org.apache.flink.api.dag.Transformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.operators.SimpleOperatorFactory;
import org.apache.flink.streaming.api.transformations.OneInputTransformation;
import org.apache.flink.streaming.api.transformations.PhysicalTransformation;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DataStreamSinkProvider;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.operators.wmassigners.ProcTimeMiniBatchAssignerOperator;
import sdp.planning.OperatorIds;

/** The table that is written to: puts an operator behind the rows, which ends their plan. */
public final class PortSink implements DynamicTableSink {
  /** Appends the operator to the rows. */
  public interface Attachment {
    SingleOutputStreamOperator<RowData> attach(DataStream<RowData> rows);
  }

  private final String name;
  private final Ports ports;
  private final Attachment attachment;

  /**
   * @param name of the operator
   */
  public PortSink(String name, Ports ports, Attachment attachment) {
    this.name = name;
    this.ports = ports;
    this.attachment = attachment;
  }

  @Override
  public ChangelogMode getChangelogMode(ChangelogMode requested) {
    return ChangelogMode.insertOnly();
  }

  @Override
  public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
    return (DataStreamSinkProvider)
        (provider, rows) -> {
          OperatorIds.assign(rows, name);
          var operator = attachment.attach(withWatermarks(rows));
          Ports.register(rows.getExecutionEnvironment(), name, new Ports.Planned(operator, ports));
          return new End(operator);
        };
  }

  /**
   * The rows with their own watermarks. Where mini-batches are on and a sink needs no event time,
   * the planner puts an operator above the source that replaces its watermarks by processing time.
   */
  private static DataStream<RowData> withWatermarks(DataStream<RowData> rows) {
    Transformation<RowData> last = rows.getTransformation();
    if (isAssigner(last)) {
      @SuppressWarnings("unchecked")
      Transformation<RowData> before = (Transformation<RowData>) last.getInputs().get(0);
      return new DataStream<>(rows.getExecutionEnvironment(), before);
    }
    if (last.getTransitivePredecessors().stream().anyMatch(PortSink::isAssigner)) {
      throw new ValidationException(
          "'table.exec.mini-batch.enabled' replaces the watermarks of rows that are changed before"
              + " they are inserted: insert the columns of the source as they are, or set it to"
              + " false.");
    }
    return rows;
  }

  private static boolean isAssigner(Transformation<?> transformation) {
    return transformation instanceof OneInputTransformation<?, ?> one
        && one.getOperatorFactory() instanceof SimpleOperatorFactory<?> factory
        && factory.getOperator() instanceof ProcTimeMiniBatchAssignerOperator;
  }

  @Override
  public DynamicTableSink copy() {
    return this;
  }

  @Override
  public String asSummaryString() {
    return name;
  }

  /** Ends the plan at the operator itself. */
  private static final class End extends DataStreamSink<RowData> {
    End(SingleOutputStreamOperator<RowData> last) {
      super((PhysicalTransformation<RowData>) last.getTransformation());
    }
  }
}
