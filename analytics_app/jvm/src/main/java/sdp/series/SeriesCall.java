package sdp.series;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;
import sdp.definitions.DefinitionsInput;
import sdp.keyed.KeyedStream;
import sdp.keyed.Ports;
import sdp.keyed.RowPacker;
import sdp.keyed.WrittenTable;
import sdp.ledger.Ledger;
import sdp.ledger.Stamp;

/** The options and columns of a table that is written to, checked and put together. */
final class SeriesCall {
  static final String PAIRS = "pairs";
  static final String DURATIONS = "durations";
  static final String REFUSED = "refused";
  private static final Duration MAX = Duration.ofDays(30);

  /** What a version's prefix has room for. */
  private static final int MAX_JOIN = 255;

  private final ReadableConfig options;
  private final String name;
  private final WrittenTable table;
  private final int key;
  private final int id;
  private final int time;
  private final int data;
  private final int received;
  private final int series;
  private final int value;
  private final SeriesOperator.First first;
  private final DefinitionsInput definitions;
  private final SeriesJoin.Limits limits;

  SeriesCall(RowType rows, ReadableConfig options) {
    this.options = options;
    name = options.get(SeriesOptions.NAME);
    table = new WrittenTable(rows, options, SeriesOptions::wrong);
    key = table.column(SeriesOptions.KEY, LogicalTypeRoot.VARCHAR);
    id = table.column(SeriesOptions.ID, LogicalTypeRoot.VARCHAR);
    time = table.column(SeriesOptions.TIME, LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE);
    series = table.column(SeriesOptions.SERIES, LogicalTypeRoot.VARCHAR);
    value = table.column(SeriesOptions.VALUE, LogicalTypeRoot.DOUBLE);
    data = table.optional(SeriesOptions.DATA, LogicalTypeRoot.VARBINARY);
    received =
        table.optional(SeriesOptions.RECEIVED, LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE);
    first = first();
    limits = limits();
    definitions = DefinitionsInput.optional(options, SeriesOptions::wrong);
  }

  private SeriesOperator.First first() {
    String join = SeriesOptions.required(options, SeriesOptions.JOIN);
    String r = SeriesOptions.required(options, SeriesOptions.R);
    String s = SeriesOptions.required(options, SeriesOptions.S);
    if (r.equals(s)) {
      throw SeriesOptions.wrong("s", "is another series than 'r', not '" + s + "' too");
    }
    if (join.isEmpty() || join.getBytes(StandardCharsets.UTF_8).length > MAX_JOIN) {
      throw SeriesOptions.wrong("join", "is 1 to %d bytes".formatted(MAX_JOIN));
    }
    return new SeriesOperator.First(join, r, s);
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
    addJoined(ports);
    table.addRefused(ports, REFUSED);
    Ledger.add(ports);
    return ports;
  }

  static void addJoined(Ports ports) {
    ports.add(PAIRS, List.of(PairRow.NAMES), List.of(PairRow.TYPES));
    ports.add(DURATIONS, List.of(DurationRow.NAMES), List.of(DurationRow.TYPES));
  }

  // --- operators --------------------------------------------------------------------------------

  SingleOutputStreamOperator<RowData> attach(DataStream<RowData> rows) {
    LogicalTypeRoot[] types = table.types();
    SeriesOperator operator =
        new SeriesOperator(
            name,
            new SeriesJoin.Columns(table.columns().get(key), id, value, series),
            limits,
            first,
            definitions.bounded(),
            options.get(SeriesOptions.HEAP_SHARE),
            types,
            Stamp.of(received, data),
            ports());
    RowPacker packer = new RowPacker(types, key, time, data);
    PackSamples pack = new PackSamples(packer, table.source(), new int[] {id, time, value});
    var versions = definitions.attach(rows, name);
    return KeyedStream.attach(rows, name, pack, versions, operator, ports().information(PAIRS))
        .setDescription("SeriesJoin(key=[%s])".formatted(table.columns().get(key)));
  }
}
