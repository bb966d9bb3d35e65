package sdp.series;

import java.util.List;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;

/** A pair as a row of the port {@code pairs}. */
final class PairRow {
  static final String[] NAMES = {
    "subject",
    "r_series",
    "r_time",
    "r_value",
    "s_series",
    "s_time",
    "s_value",
    "mean_time",
    "status",
    "join_name",
    "join_version"
  };

  static final LogicalType[] TYPES =
      List.of(
              DataTypes.STRING(),
              DataTypes.STRING(),
              DataTypes.TIMESTAMP_LTZ(3),
              DataTypes.DOUBLE(),
              DataTypes.STRING(),
              DataTypes.TIMESTAMP_LTZ(3),
              DataTypes.DOUBLE(),
              DataTypes.TIMESTAMP_LTZ(3),
              DataTypes.STRING(),
              DataTypes.STRING(),
              DataTypes.BIGINT())
          .stream()
          .map(DataType::getLogicalType)
          .toArray(LogicalType[]::new);

  static GenericRowData of(JoinVersion join, byte[] key, Pair pair, StringData status) {
    return GenericRowData.of(
        StringData.fromBytes(key),
        join.series[Side.R],
        TimestampData.fromEpochMillis(pair.rTime()),
        pair.r(),
        join.series[Side.S],
        TimestampData.fromEpochMillis(pair.sTime()),
        pair.s(),
        TimestampData.fromEpochMillis(pair.meanTime()),
        status,
        join.name,
        join.version);
  }

  private PairRow() {}
}
