package sdp.kinesis.table;

import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.base.sink.writer.ElementConverter;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.FlinkRuntimeException;
import sdp.kinesis.stream.PutEntry;

/** Makes records of rows: the format's bytes under the row's partition key. */
final class RowConverter implements ElementConverter<RowData, PutEntry> {
  private static final long serialVersionUID = 1L;

  private final SerializationSchema<RowData> format;
  private final PartitionKey partitionKey;

  RowConverter(SerializationSchema<RowData> format, PartitionKey partitionKey) {
    this.format = format;
    this.partitionKey = partitionKey;
  }

  @Override
  public void open(WriterInitContext context) {
    try {
      format.open(context.asSerializationSchemaInitializationContext());
    } catch (Exception e) {
      throw new FlinkRuntimeException("The format of the Kinesis sink cannot be opened", e);
    }
  }

  @Override
  public PutEntry apply(RowData row, SinkWriter.Context context) {
    return new PutEntry(partitionKey.of(row), format.serialize(row));
  }
}
