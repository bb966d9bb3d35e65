package sdp.kinesis.table;

import java.util.Arrays;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.base.sink.writer.ElementConverter;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.FlinkRuntimeException;
import sdp.kinesis.stream.PutEntry;

/**
 * Makes records of rows: the format's bytes under the row's partition key. A record that is a line
 * ends as one, because Firehose puts records behind each other as they are.
 */
final class RowConverter implements ElementConverter<RowData, PutEntry> {
  private static final long serialVersionUID = 1L;

  private final SerializationSchema<RowData> format;
  private final PartitionKey partitionKey;
  private final boolean lines;

  RowConverter(SerializationSchema<RowData> format, PartitionKey partitionKey, boolean lines) {
    this.format = format;
    this.partitionKey = partitionKey;
    this.lines = lines;
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
    byte[] data = format.serialize(row);
    return new PutEntry(partitionKey.of(row), lines ? ended(data) : data);
  }

  private static byte[] ended(byte[] data) {
    byte[] line = Arrays.copyOf(data, data.length + 1);
    line[data.length] = '\n';
    return line;
  }
}
