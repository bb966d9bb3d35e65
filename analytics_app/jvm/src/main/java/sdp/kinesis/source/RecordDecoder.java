package sdp.kinesis.source;

import java.io.Serializable;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.util.Collector;
import sdp.kinesis.stream.KinesisRecord;

/** Turns a record of the stream into what the source emits. */
public interface RecordDecoder<T> extends Serializable {

  /** Called once before the first record. */
  void open(DeserializationSchema.InitializationContext context) throws Exception;

  /**
   * Emits the record; must not throw for what the record holds.
   *
   * @return whether it could be decoded
   */
  boolean decode(KinesisRecord record, Collector<T> out);
}
