package sdp.decisions;

import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;
import sdp.decisions.Fields.Field;
import sdp.keyed.Block;
import sdp.keyed.KeyedStream;
import sdp.keyed.Ports;
import sdp.keyed.RowPacker;

/** The options and columns of a table that is written to, checked and put together. */
final class DecisionsCall {
  static final String DECISIONS = "decisions";
  static final String ACTIONS = "actions";
  static final String REFUSED = "refused";

  private final ReadableConfig options;
  private final String name;
  private final List<String> columns;
  private final List<LogicalType> types;
  private final int key;
  private final int id;
  private final int time;
  private final int kind;
  private final int data;
  private final Layout layout;
  private final DefinitionStore.Opener store;
  private final boolean bounded;

  DecisionsCall(RowType rows, ReadableConfig options) {
    this.options = options;
    name = options.get(DecisionsOptions.NAME);
    columns = rows.getFieldNames();
    types = rows.getChildren().stream().map(type -> type.copy(true)).toList();
    if (columns.size() > Block.MAX_COLUMNS) {
      throw DecisionsOptions.wrong(
          "name", "has %d columns; at most %d".formatted(columns.size(), Block.MAX_COLUMNS));
    }
    types.forEach(DecisionsCall::check);
    key = column(DecisionsOptions.KEY, LogicalTypeRoot.VARCHAR);
    id = column(DecisionsOptions.ID, LogicalTypeRoot.VARCHAR);
    time = column(DecisionsOptions.TIME, LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE);
    kind = column(DecisionsOptions.KIND, LogicalTypeRoot.VARCHAR);
    data =
        options.getOptional(DecisionsOptions.DATA).isPresent()
            ? column(DecisionsOptions.DATA, LogicalTypeRoot.VARBINARY)
            : -1;
    layout =
        new Layout(
            roots(),
            columns.get(key),
            id,
            eventFields(),
            new Fields(fields(DecisionsOptions.PROFILE)),
            options.get(DecisionsOptions.CUSTOMER));
    bounded = options.get(DecisionsOptions.BOUNDED) || isFile();
    store = store();
  }

  private static void check(LogicalType type) {
    if (!RowPacker.packs(type.getTypeRoot())) {
      throw DecisionsOptions.wrong(
          "name", "has a column of type " + type + ", which it cannot store");
    }
  }

  private LogicalTypeRoot[] roots() {
    return types.stream().map(LogicalType::getTypeRoot).toArray(LogicalTypeRoot[]::new);
  }

  private int column(ConfigOption<String> option, LogicalTypeRoot type) {
    int column = columns.indexOf(DecisionsOptions.required(options, option));
    if (column < 0 || types.get(column).getTypeRoot() != type) {
      throw DecisionsOptions.wrong(
          option.key(), "names a column of type %s, one of %s".formatted(type, columns));
    }
    return column;
  }

  private Fields eventFields() {
    List<Field> fields = new ArrayList<>(fields(DecisionsOptions.EVENT));
    fields.add(new Field(Layout.KIND, kind, LogicalTypeRoot.VARCHAR));
    addNamed(fields, Layout.SUBJECT, DecisionsOptions.SUBJECT);
    addNamed(fields, Layout.TRACE, DecisionsOptions.TRACE);
    return new Fields(fields);
  }

  private void addNamed(List<Field> fields, String field, ConfigOption<String> option) {
    if (options.getOptional(option).isPresent()) {
      fields.add(
          new Field(field, column(option, LogicalTypeRoot.VARCHAR), LogicalTypeRoot.VARCHAR));
    }
  }

  private List<Field> fields(ConfigOption<String> option) {
    List<Field> fields = new ArrayList<>();
    for (String text : DecisionsOptions.names(options, option)) {
      int equals = text.indexOf('=');
      String field = equals < 0 ? text : text.substring(0, equals);
      int column = columns.indexOf(text.substring(equals + 1));
      if (column < 0 || !Fields.takes(types.get(column).getTypeRoot())) {
        throw DecisionsOptions.wrong(
            option.key(),
            "names columns that are texts, numbers, booleans or times, of %s; not %s"
                .formatted(columns, text));
      }
      fields.add(new Field(field, column, types.get(column).getTypeRoot()));
    }
    return fields;
  }

  private boolean isFile() {
    return options.getOptional(DecisionsOptions.FILE).isPresent();
  }

  private DefinitionStore.Opener store() {
    if (isFile() == options.getOptional(DecisionsOptions.TABLE).isPresent()) {
      throw DecisionsOptions.wrong(
          "definitions.table", "or 'definitions.file' is required, one of them");
    }
    if (isFile()) {
      String path = options.get(DecisionsOptions.FILE);
      return () -> new FileStore(path);
    }
    String table = options.get(DecisionsOptions.TABLE);
    String region = DecisionsOptions.required(options, DecisionsOptions.REGION);
    String endpoint = options.getOptional(DecisionsOptions.ENDPOINT).orElse(null);
    boolean isBounded = bounded;
    return () ->
        new DynamoStore(DynamoStore.connect(region, endpoint), table, Clock.systemUTC(), isBounded);
  }

  String name() {
    return name;
  }

  // --- ports ------------------------------------------------------------------------------------

  Ports ports() {
    Ports ports = new Ports(name);
    ports.add(DECISIONS, Rows.DECISION, Rows.DECISION_TYPES);
    ports.add(ACTIONS, Rows.ACTION, Rows.ACTION_TYPES);
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
    DecisionsOperator operator =
        new DecisionsOperator(
            name,
            layout,
            new Scores.Default(options.get(DecisionsOptions.DEFAULT_SCORE)),
            bounded,
            options.get(DecisionsOptions.HEAP_SHARE),
            ports());
    int[] source = IntStream.range(0, columns.size()).toArray();
    PackInputs pack =
        new PackInputs(new RowPacker(roots(), key, time, data), source, kind, id, time);
    return KeyedStream.attach(
            rows, name, pack, definitions(rows), operator, ports().information(DECISIONS))
        .setDescription("Decisions(key=[%s])".formatted(columns.get(key)));
  }

  private DataStream<byte[]> definitions(DataStream<RowData> rows) {
    String id = name + " definitions";
    var source =
        new DefinitionsSource(store, bounded, options.get(DecisionsOptions.INTERVAL).toMillis());
    return rows.getExecutionEnvironment()
        .fromSource(
            source,
            WatermarkStrategy.noWatermarks(),
            id,
            PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
        .uid(name + "-definitions")
        .setParallelism(1)
        .setMaxParallelism(1);
  }
}
