package sdp.metrics;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DataStreamSinkProvider;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.logical.RowType;
import sdp.planning.Hops;

/**
 * {@code 'connector' = 'timed', 'path' = …}: of each row its {@code occurred_at} and when it was
 * written, in milliseconds since the epoch, a row a line, in a file for each subtask. For
 * measurements.
 */
public final class TimedTableFactory implements DynamicTableSinkFactory {
  private static final String TIME = "occurred_at";
  private static final ConfigOption<String> PATH =
      ConfigOptions.key("path").stringType().noDefaultValue();

  @Override
  public String factoryIdentifier() {
    return "timed";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(PATH);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of();
  }

  @Override
  public DynamicTableSink createDynamicTableSink(Context context) {
    var helper = FactoryUtil.createTableFactoryHelper(this, context);
    helper.validate();
    int column = ((RowType) context.getPhysicalRowDataType().getLogicalType()).getFieldIndex(TIME);
    if (column < 0) {
      throw new ValidationException("timed: the table has no column " + TIME);
    }
    return new Timed(helper.getOptions().get(PATH), column);
  }

  private record Timed(String path, int column) implements DynamicTableSink {
    @Override
    public ChangelogMode getChangelogMode(ChangelogMode requested) {
      return ChangelogMode.insertOnly();
    }

    @Override
    public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
      var sink = new TimedSink(path, column);
      return (DataStreamSinkProvider)
          (provider, rows) -> {
            Hops.shortenFound(rows); // as in front of a Kinesis stream
            return rows.sinkTo(sink);
          };
    }

    @Override
    public DynamicTableSink copy() {
      return this;
    }

    @Override
    public String asSummaryString() {
      return "timed";
    }
  }

  private record TimedSink(String path, int column) implements Sink<RowData> {
    @Override
    public SinkWriter<RowData> createWriter(WriterInitContext context) throws IOException {
      Path folder = Files.createDirectories(Path.of(path));
      return new Writer(folder.resolve("" + context.getTaskInfo().getIndexOfThisSubtask()), column);
    }
  }

  private static final class Writer implements SinkWriter<RowData> {
    private final BufferedWriter out;
    private final int column;

    Writer(Path file, int column) throws IOException {
      this.out = Files.newBufferedWriter(file);
      this.column = column;
    }

    @Override
    public void write(RowData row, Context context) throws IOException {
      long time = row.getTimestamp(column, 3).getMillisecond();
      out.write(time + " " + System.currentTimeMillis());
      out.newLine();
    }

    @Override
    public void flush(boolean endOfInput) throws IOException {
      out.flush();
    }

    @Override
    public void close() {
      try {
        out.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
