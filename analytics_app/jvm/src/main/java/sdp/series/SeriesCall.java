package sdp.series;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;
import sdp.keyed.Block;
import sdp.keyed.KeyedStream;
import sdp.keyed.Ports;
import sdp.keyed.RowPacker;

/** The options and columns of a table that is written to, checked and put together. */
final class SeriesCall {
  static final String PAIRS = "pairs";
  static final String REFUSED = "refused";
  private static final Duration MAX = Duration.ofDays(30);

  private final ReadableConfig options;
  private final String name;
  private final List<String> columns;
  private final List<LogicalType> types;
  private final int key;
  private final int id;
  private final int time;
  private final int data;
  private final int series;
  private final int value;
  private final String r;
  private final String s;
  private final SeriesJoin.Limits limits;

  SeriesCall(RowType rows, ReadableConfig options) {
    this.options = options;
    name = options.get(SeriesOptions.NAME);
    columns = rows.getFieldNames();
    types = rows.getChildren().stream().map(type -> type.copy(true)).toList();
    if (columns.size() > Block.MAX_COLUMNS) {
      throw SeriesOptions.wrong(
          "name", "has %d columns; at most %d".formatted(columns.size(), Block.MAX_COLUMNS));
    }
    types.forEach(SeriesCall::check);
    key = column(SeriesOptions.KEY, LogicalTypeRoot.VARCHAR);
    id = column(SeriesOptions.ID, LogicalTypeRoot.VARCHAR);
    time = column(SeriesOptions.TIME, LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE);
    series = column(SeriesOptions.SERIES, LogicalTypeRoot.VARCHAR);
    value = column(SeriesOptions.VALUE, LogicalTypeRoot.DOUBLE);
    boolean hasData = options.getOptional(SeriesOptions.DATA).isPresent();
    data = hasData ? column(SeriesOptions.DATA, LogicalTypeRoot.VARBINARY) : -1;
    r = SeriesOptions.required(options, SeriesOptions.R);
    s = SeriesOptions.required(options, SeriesOptions.S);
    if (r.equals(s)) {
      throw SeriesOptions.wrong("s", "is another series than 'r', not '" + s + "' too");
    }
    limits = limits();
  }

  private static void check(LogicalType type) {
    if (!RowPacker.packs(type.getTypeRoot())) {
      throw SeriesOptions.wrong("name", "has a column of type " + type + ", which it cannot store");
    }
  }

  private int column(ConfigOption<String> option, LogicalTypeRoot type) {
    int column = columns.indexOf(SeriesOptions.required(options, option));
    if (column < 0 || types.get(column).getTypeRoot() != type) {
      throw SeriesOptions.wrong(
          option.key(), "names a column of type %s, one of %s".formatted(type, columns));
    }
    return column;
  }

  private SeriesJoin.Limits limits() {
    long rDelay = millis(SeriesOptions.R_DELAY);
    long sDelay = millis(SeriesOptions.S_DELAY);
    long finalAfter = millis(SeriesOptions.FINAL_AFTER);
    if (finalAfter < Math.max(rDelay, sDelay)) {
      throw SeriesOptions.wrong("final-after", "is at least 'r.delay' and 's.delay'");
    }
    return new SeriesJoin.Limits(
        millis(SeriesOptions.DISTANCE),
        rDelay,
        sDelay,
        millis(SeriesOptions.MAX_LATENCY),
        finalAfter);
  }

  private long millis(ConfigOption<Duration> option) {
    Duration duration = SeriesOptions.required(options, option);
    if (duration.isNegative() || duration.compareTo(MAX) > 0) {
      throw SeriesOptions.wrong(option.key(), "is 0 s to %d days".formatted(MAX.toDays()));
    }
    return duration.toMillis();
  }

  String name() {
    return name;
  }

  // --- ports ------------------------------------------------------------------------------------

  Ports ports() {
    Ports ports = new Ports(name);
    ports.add(PAIRS, List.of(PairRow.NAMES), List.of(PairRow.TYPES));
    List<String> names = new ArrayList<>(columns);
    names.addAll(List.of("outcome", "detail"));
    List<LogicalType> refused = new ArrayList<>(types);
    LogicalType text = DataTypes.STRING().getLogicalType();
    refused.addAll(List.of(text, text));
    ports.add(REFUSED, names, refused);
    return ports;
  }

  // --- operators --------------------------------------------------------------------------------

  SingleOutputStreamOperator<RowData> attach(DataStream<RowData> rows) {
    LogicalTypeRoot[] roots =
        types.stream().map(LogicalType::getTypeRoot).toArray(LogicalTypeRoot[]::new);
    int[] source = IntStream.range(0, roots.length).toArray();
    SeriesOperator operator =
        new SeriesOperator(
            name,
            new SeriesJoin.Columns(columns.get(key), id, value),
            limits,
            r,
            s,
            options.get(SeriesOptions.HEAP_SHARE),
            roots,
            ports());
    RowPacker packer = new RowPacker(roots, key, time, data);
    PackSamples pack = new PackSamples(packer, source, new int[] {id, time, value}, series, r, s);
    return KeyedStream.attach(rows, name, pack, operator, ports().information(PAIRS))
        .setDescription("SeriesJoin(key=[%s])".formatted(columns.get(key)));
  }
}
