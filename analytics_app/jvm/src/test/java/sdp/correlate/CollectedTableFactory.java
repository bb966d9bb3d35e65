package sdp.correlate;

import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DataStreamSinkProvider;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DynamicTableSinkFactory;

/** {@code 'connector' = 'collected'}: keeps the one text of each row, for tests of one process. */
public final class CollectedTableFactory implements DynamicTableSinkFactory {
  public static final List<String> LINES = new CopyOnWriteArrayList<>();

  @Override
  public String factoryIdentifier() {
    return "collected";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of();
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of();
  }

  @Override
  public DynamicTableSink createDynamicTableSink(Context context) {
    return new Collected();
  }

  private static boolean collect(RowData row) {
    return LINES.add(row.getString(0).toString());
  }

  private record Collected() implements DynamicTableSink {
    @Override
    public ChangelogMode getChangelogMode(ChangelogMode requested) {
      return ChangelogMode.insertOnly();
    }

    @Override
    public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
      return (DataStreamSinkProvider)
          (provider, rows) ->
              rows.map(CollectedTableFactory::collect).sinkTo(new DiscardingSink<>());
    }

    @Override
    public DynamicTableSink copy() {
      return this;
    }

    @Override
    public String asSummaryString() {
      return "collected";
    }
  }
}
