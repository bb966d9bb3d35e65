package sdp.kinesis.table;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.flink.table.data.RowData;

/** The partition key of a row. */
interface PartitionKey extends Serializable {
  /** The longest key that Kinesis takes, in characters. */
  int MAX_LENGTH = 256;

  /** The key, 1 to 256 characters. */
  String of(RowData row);

  /** Another key for each row. */
  static PartitionKey random() {
    return row -> UUID.randomUUID().toString();
  }

  /** The same key for all rows of one parallel sink. */
  static PartitionKey fixed() {
    return new Fixed();
  }

  /**
   * The columns' values, joined. Too long a key is replaced by a digest of it, and an empty one by
   * a dash, so that equal values always give equal keys.
   */
  static PartitionKey columns(List<RowData.FieldGetter> columns, String delimiter) {
    RowData.FieldGetter[] getters = columns.toArray(RowData.FieldGetter[]::new);
    return row -> {
      String key =
          List.of(getters).stream()
              .map(g -> String.valueOf(g.getFieldOrNull(row)))
              .collect(Collectors.joining(delimiter));
      return fit(key);
    };
  }

  private static String fit(String key) {
    if (key.isEmpty()) {
      return "-";
    }
    return key.length() <= MAX_LENGTH
        ? key
        : UUID.nameUUIDFromBytes(key.getBytes(StandardCharsets.UTF_8)).toString();
  }

  /** Drawn again when the sink is deserialized, which is once for each parallel writer. */
  final class Fixed implements PartitionKey {
    private static final long serialVersionUID = 1L;
    private transient String key;

    @Override
    public String of(RowData row) {
      if (key == null) {
        key = UUID.randomUUID().toString();
      }
      return key;
    }
  }
}
