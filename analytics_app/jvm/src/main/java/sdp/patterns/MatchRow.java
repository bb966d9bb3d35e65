package sdp.patterns;

import java.util.Arrays;
import java.util.List;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;

/** A match as a row of the port {@code found}. */
final class MatchRow {
  static final String[] NAMES = {
    "kind",
    "subject",
    "occurred_at",
    "event_id",
    "causes",
    "count",
    "balance",
    "deviation",
    "carried"
  };

  static final LogicalType[] TYPES =
      List.of(
              DataTypes.STRING(),
              DataTypes.STRING(),
              DataTypes.TIMESTAMP_LTZ(3),
              DataTypes.STRING(),
              DataTypes.ARRAY(DataTypes.STRING()),
              DataTypes.BIGINT(),
              DataTypes.DOUBLE(),
              DataTypes.DOUBLE(),
              DataTypes.STRING())
          .stream()
          .map(DataType::getLogicalType)
          .toArray(LogicalType[]::new);

  static GenericRowData of(byte[] key, int at, int length, Match match) {
    return GenericRowData.of(
        StringData.fromString(match.kind()),
        text(key, at, length),
        TimestampData.fromEpochMillis(match.time()),
        id(match.event()),
        new GenericArrayData(match.causes().stream().map(MatchRow::id).toArray()),
        match.count(),
        match.balance() == null ? null : (Object) Fixed.value(match.balance()),
        match.deviation(),
        carried(match.carrier()));
  }

  private static StringData carried(Event carrier) {
    return carrier == null
        ? null
        : text(carrier.bytes(), carrier.carriedAt(), carrier.carriedLength());
  }

  private static StringData id(Event event) {
    return text(event.bytes(), event.at(), event.length());
  }

  /** The bytes are copied: they are those of a record or a log, which is used again. */
  private static StringData text(byte[] bytes, int at, int length) {
    return StringData.fromBytes(Arrays.copyOfRange(bytes, at, at + length));
  }

  private MatchRow() {}
}
