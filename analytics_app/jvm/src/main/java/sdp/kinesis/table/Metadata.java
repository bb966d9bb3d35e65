package sdp.kinesis.table;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.DataType;
import sdp.kinesis.stream.KinesisRecord;

/** The metadata columns of a record, by the keys used in METADATA FROM. */
enum Metadata {
  SHARD_ID("shard-id", DataTypes.STRING(), r -> text(r.shardId())),
  SEQUENCE_NUMBER("sequence-number", DataTypes.STRING(), r -> text(r.sequenceNumber())),
  ARRIVAL_TIMESTAMP(
      "arrival-timestamp",
      DataTypes.TIMESTAMP_LTZ(3),
      r -> TimestampData.fromEpochMillis(r.arrivalMillis())),
  PARTITION_KEY("partition-key", DataTypes.STRING(), r -> text(r.partitionKey())),
  DATA("data", DataTypes.BYTES(), KinesisRecord::data);

  private final String key;
  private final DataType type;
  private final Function<KinesisRecord, Object> value;

  Metadata(String key, DataType type, Function<KinesisRecord, Object> value) {
    this.key = key;
    this.type = type; // nullable, as tables declare it: else the planner casts, so copies, each row
    this.value = value;
  }

  /** The record's value as Flink's internal data. */
  Object of(KinesisRecord record) {
    return value.apply(record);
  }

  /** As bytes at once: a Java string would be encoded again by each operator that copies it. */
  private static StringData text(String value) {
    return StringData.fromBytes(value.getBytes(StandardCharsets.UTF_8));
  }

  static Map<String, DataType> types() {
    Map<String, DataType> types = new LinkedHashMap<>();
    Arrays.stream(values()).forEach(m -> types.put(m.key, m.type));
    return types;
  }

  static Metadata byKey(String key) {
    return Arrays.stream(values()).filter(m -> m.key.equals(key)).findFirst().orElseThrow();
  }
}
