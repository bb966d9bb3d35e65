package sdp.keyed;

import java.util.Arrays;
import java.util.List;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.ProviderContext;
import org.apache.flink.table.connector.source.DataStreamScanProvider;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.connector.source.abilities.SupportsProjectionPushDown;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.utils.ProjectedRowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;

/** A table that is read from: one port of an operator, its columns found by name. */
public final class PortSource implements ScanTableSource, SupportsProjectionPushDown {
  private final String name;
  private final String port;
  private RowType wanted;

  /**
   * @param name of the operator
   * @param wanted the columns that are read
   */
  public PortSource(String name, String port, RowType wanted) {
    this.name = name;
    this.port = port;
    this.wanted = wanted;
  }

  @Override
  public boolean supportsNestedProjection() {
    return false;
  }

  @Override
  public void applyProjection(int[][] fields, DataType produced) {
    List<RowType.RowField> all = wanted.getFields();
    wanted = new RowType(Arrays.stream(fields).map(f -> all.get(f[0])).toList());
  }

  @Override
  public ChangelogMode getChangelogMode() {
    return ChangelogMode.insertOnly();
  }

  @Override
  public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
    return new DataStreamScanProvider() {
      @Override
      public DataStream<RowData> produceDataStream(
          ProviderContext provider, StreamExecutionEnvironment environment) {
        return read(Ports.find(environment, name));
      }

      @Override
      public boolean isBounded() {
        return false;
      }
    };
  }

  private DataStream<RowData> read(Ports.Planned planned) {
    int[] columns = columns(planned.ports().type(port));
    return planned
        .operator()
        .getSideOutput(planned.ports().tag(port))
        .transform(name + " " + port, InternalTypeInfo.of(wanted), new Pick(columns));
  }

  private int[] columns(RowType given) {
    return wanted.getFields().stream().mapToInt(field -> column(given, field)).toArray();
  }

  private int column(RowType given, RowType.RowField field) {
    int column = given.getFieldIndex(field.getName());
    if (column < 0) {
      throw new ValidationException(
          "The port '%s' of '%s' has no column '%s'; it has %s."
              .formatted(port, name, field.getName(), given.getFieldNames()));
    }
    LogicalType type = given.getTypeAt(column);
    if (!type.copy(true).equals(field.getType().copy(true))) {
      throw new ValidationException(
          "The column '%s' of the port '%s' of '%s' is %s, not %s."
              .formatted(
                  field.getName(),
                  port,
                  name,
                  type.asSummaryString(),
                  field.getType().asSummaryString()));
    }
    return column;
  }

  @Override
  public DynamicTableSource copy() {
    return new PortSource(name, port, wanted);
  }

  @Override
  public String asSummaryString() {
    return name + " " + port;
  }

  /** Shows some columns of a row, without copying. */
  private static final class Pick extends AbstractStreamOperator<RowData>
      implements OneInputStreamOperator<RowData, RowData> {
    private static final long serialVersionUID = 1L;
    private final int[] columns;
    private transient ProjectedRowData row;
    private transient StreamRecord<RowData> out;

    Pick(int[] columns) {
      this.columns = columns;
    }

    @Override
    public void open() throws Exception {
      super.open();
      row = ProjectedRowData.from(columns);
      out = new StreamRecord<>(row);
    }

    @Override
    public void processElement(StreamRecord<RowData> element) {
      row.replaceRow(element.getValue());
      output.collect(out);
    }
  }
}
