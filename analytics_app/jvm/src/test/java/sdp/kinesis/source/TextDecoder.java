package sdp.kinesis.source;

import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.util.Collector;
import sdp.kinesis.stream.KinesisRecord;

/** A record is a text. */
final class TextDecoder implements RecordDecoder<String> {
  private static final long serialVersionUID = 1L;

  @Override
  public void open(DeserializationSchema.InitializationContext context) {}

  @Override
  public boolean decode(KinesisRecord record, Collector<String> out) {
    out.collect(new String(record.data(), StandardCharsets.UTF_8));
    return true;
  }
}
