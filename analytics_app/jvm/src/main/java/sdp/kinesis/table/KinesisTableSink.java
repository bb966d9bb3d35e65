package sdp.kinesis.table;

import java.util.Map;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.EncodingFormat;
import org.apache.flink.table.connector.sink.DataStreamSinkProvider;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.abilities.SupportsPartitioning;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataType;
import sdp.kinesis.sink.KinesisSink;
import sdp.kinesis.sink.WriteOptions;
import sdp.kinesis.stream.StreamOpener;
import sdp.planning.Hops;
import sdp.planning.OperatorIds;

/** A Kinesis stream as a table to write; {@code lines}: each record ends with a line's end. */
record KinesisTableSink(
    String name,
    EncodingFormat<SerializationSchema<RowData>> format,
    DataType physicalType,
    boolean lines,
    StreamOpener stream,
    PartitionKey partitionKey,
    WriteOptions writing)
    implements DynamicTableSink, SupportsPartitioning {

  @Override
  public ChangelogMode getChangelogMode(ChangelogMode requestedMode) {
    return format.getChangelogMode();
  }

  @Override
  public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
    var converter =
        new RowConverter(format.createRuntimeEncoder(context, physicalType), partitionKey, lines);
    var sink = new KinesisSink<>(stream, converter, writing);
    return (DataStreamSinkProvider) (provider, rows) -> attach(rows, sink);
  }

  /** With ids of their own for the sink and for what the planner has put before it. */
  private DataStreamSink<RowData> attach(DataStream<RowData> rows, KinesisSink<RowData> sink) {
    OperatorIds.assign(rows, name);
    Hops.shortenFound(rows);
    String id = OperatorIds.unique(rows.getExecutionEnvironment(), "kinesis sink " + name);
    return rows.sinkTo(sink).name(name).uid(id).setParallelism(rows.getParallelism());
  }

  @Override
  public void applyStaticPartition(Map<String, String> partition) {
    // The planner has put the values into the rows, from where the key is taken.
  }

  @Override
  public DynamicTableSink copy() {
    return this;
  }

  @Override
  public String asSummaryString() {
    return "Kinesis " + name;
  }
}
