package sdp.json;

import java.io.IOException;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.Collector;

/**
 * Rows of JSON: flat objects are read here, all else and all errors are Flink's own reader's.
 *
 * <p>But for one: Flink's reader ignores what follows the first value. A record of two lines would
 * be counted for its first, and its second would be nowhere. It is an error here.
 */
final class JsonDeserializer implements DeserializationSchema<RowData> {
  private static final long serialVersionUID = 1L;

  private static final JsonFactory PARSERS = new JsonFactory();

  private final RowType type;
  private final DeserializationSchema<RowData> flink;

  private transient FlatObject flat;
  private transient int arity;

  JsonDeserializer(RowType type, DeserializationSchema<RowData> flink) {
    this.type = type;
    this.flink = flink;
  }

  @Override
  public void open(InitializationContext context) throws Exception {
    flink.open(context);
    flat = new FlatObject(type);
    arity = type.getFieldCount();
  }

  @Override
  public void deserialize(byte[] message, Collector<RowData> out) throws IOException {
    GenericRowData row = new GenericRowData(arity);
    if (message != null && flat.read(message, row)) {
      out.collect(row);
    } else if (message != null && holdsMoreThanOneValue(message)) {
      throw new IOException("Something follows the first JSON value of the record");
    } else {
      flink.deserialize(message, out);
    }
  }

  /** Whether anything but white space follows the first value, if that can be read at all. */
  private static boolean holdsMoreThanOneValue(byte[] message) throws IOException {
    try (JsonParser parser = PARSERS.createParser(message)) {
      try {
        parser.nextToken();
        parser.skipChildren();
      } catch (JsonProcessingException e) {
        return false; // Flink's reader says what it makes of it
      }
      try {
        return parser.nextToken() != null;
      } catch (JsonProcessingException e) {
        return true;
      }
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
