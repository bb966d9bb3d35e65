package sdp.json;

import java.io.IOException;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.Collector;

/** Rows of JSON: flat objects are read here, all else and all errors are Flink's own reader's. */
final class JsonDeserializer implements DeserializationSchema<RowData> {
  private static final long serialVersionUID = 1L;

  private final RowType type;
  private final DeserializationSchema<RowData> flink;

  private transient FlatObject flat;

  JsonDeserializer(RowType type, DeserializationSchema<RowData> flink) {
    this.type = type;
    this.flink = flink;
  }

  @Override
  public void open(InitializationContext context) throws Exception {
    flink.open(context);
    flat = new FlatObject(type);
  }

  @Override
  public void deserialize(byte[] message, Collector<RowData> out) throws IOException {
    GenericRowData row = new GenericRowData(type.getFieldCount());
    if (message != null && flat.read(message, row)) {
      out.collect(row);
    } else {
      flink.deserialize(message, out);
    }
  }

  @Override
  public RowData deserialize(byte[] message) throws IOException {
    throw new UnsupportedOperationException("A message may hold several rows");
  }

  @Override
  public boolean isEndOfStream(RowData next) {
    return false;
  }

  @Override
  public TypeInformation<RowData> getProducedType() {
    return flink.getProducedType();
  }
}
