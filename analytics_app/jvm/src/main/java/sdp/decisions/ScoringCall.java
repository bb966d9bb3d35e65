package sdp.decisions;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;
import sdp.keyed.Ports;

/** The options and columns of a table that is written to, checked and put together. */
final class ScoringCall {
  static final String SCORED = "scored";
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final List<String> ADDED = List.of("score", "model_version");

  private final String name;
  private final RowType rows;
  private final int time;
  private final Stores stores;

  ScoringCall(RowType written, ReadableConfig options) {
    name = options.get(DecisionsOptions.NAME);
    rows = (RowType) written.copy(false);
    time = time(options);
    stores = Stores.of(options, ScoringOptions::wrong);
    for (String added : ADDED) {
      if (rows.getFieldIndex(added) >= 0) {
        throw ScoringOptions.wrong("name", "has a column '%s', which is added".formatted(added));
      }
    }
  }

  private int time(ReadableConfig options) {
    String column = options.getOptional(DecisionsOptions.TIME).orElse("");
    int index = rows.getFieldIndex(column);
    var type = LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE;
    if (index < 0 || rows.getTypeAt(index).getTypeRoot() != type) {
      throw ScoringOptions.wrong(
          DecisionsOptions.TIME.key(),
          "names a column of type %s, one of %s".formatted(type, rows.getFieldNames()));
    }
    return index;
  }

  String name() {
    return name;
  }

  Ports ports() {
    Ports ports = new Ports(name);
    List<String> names = new ArrayList<>(rows.getFieldNames());
    names.addAll(ADDED);
    List<LogicalType> types = new ArrayList<>();
    rows.getChildren().forEach(type -> types.add(type.copy(true)));
    types.add(DataTypes.DOUBLE().getLogicalType());
    types.add(DataTypes.STRING().getLogicalType());
    ports.add(SCORED, names, types);
    return ports;
  }

  /** It has no state and no partition of its own, so it runs in the task of what is before it. */
  SingleOutputStreamOperator<RowData> attach(DataStream<RowData> written) {
    var operator = new ScoringOperator(name, rows, time, stores, ports().tag(SCORED), PATIENCE);
    return written.transform(name, ports().information(SCORED), operator).uid(name);
  }
}
