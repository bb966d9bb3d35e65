package sdp.series;

import java.util.List;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;

/** How long a pair was the newest one, as a row of the port {@code durations}. */
final class DurationRow {
  static final String[] NAMES = {
    "subject", "r_time", "r_value", "s_time", "s_value", "mean_time", "lasting", "join_name"
  };

  static final LogicalType[] TYPES =
      List.of(
              DataTypes.STRING(),
              DataTypes.TIMESTAMP_LTZ(3),
              DataTypes.DOUBLE(),
              DataTypes.TIMESTAMP_LTZ(3),
              DataTypes.DOUBLE(),
              DataTypes.TIMESTAMP_LTZ(3),
              DataTypes.BIGINT(),
              DataTypes.STRING())
          .stream()
          .map(DataType::getLogicalType)
          .toArray(LogicalType[]::new);

  /**
   * @param lasting milliseconds
   */
  static GenericRowData of(JoinVersion join, byte[] key, Pair pair, long lasting) {
    return GenericRowData.of(
        StringData.fromBytes(key),
        TimestampData.fromEpochMillis(pair.rTime()),
        pair.r(),
        TimestampData.fromEpochMillis(pair.sTime()),
        pair.s(),
        TimestampData.fromEpochMillis(pair.meanTime()),
        lasting,
        join.name);
  }

  private DurationRow() {}
}
