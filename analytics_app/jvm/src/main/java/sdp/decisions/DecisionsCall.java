package sdp.decisions;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;
import sdp.decisions.Fields.Field;
import sdp.keyed.KeyedStream;
import sdp.keyed.Ports;
import sdp.keyed.WrittenTable;
import sdp.ledger.Ledger;
import sdp.ledger.Stamp;

/** The options and columns of a table that is written to, checked and put together. */
final class DecisionsCall {
  static final String DECISIONS = "decisions";
  static final String ACTIONS = "actions";
  static final String REFUSED = "refused";

  private final ReadableConfig options;
  private final String name;
  private final WrittenTable table;
  private final int key;
  private final int secondKey;
  private final int id;
  private final int time;
  private final int kind;
  private final int data;
  private final int received;
  private final Layout layout;
  private final Stores stores;

  DecisionsCall(RowType rows, ReadableConfig options) {
    this.options = options;
    name = options.get(DecisionsOptions.NAME);
    table = new WrittenTable(rows, options, DecisionsOptions::wrong);
    key = table.column(DecisionsOptions.KEY, LogicalTypeRoot.VARCHAR);
    secondKey = table.optional(DecisionsOptions.SECOND_KEY, LogicalTypeRoot.VARCHAR);
    id = table.column(DecisionsOptions.ID, LogicalTypeRoot.VARCHAR);
    time = table.column(DecisionsOptions.TIME, LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE);
    kind = table.column(DecisionsOptions.KIND, LogicalTypeRoot.VARCHAR);
    data = table.optional(DecisionsOptions.DATA, LogicalTypeRoot.VARBINARY);
    received =
        table.optional(DecisionsOptions.RECEIVED, LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE);
    layout =
        new Layout(
            table.types(),
            table.columns().get(key),
            id,
            eventFields(),
            new Fields(fields(DecisionsOptions.PROFILE)),
            options.get(DecisionsOptions.CUSTOMER));
    stores = Stores.of(options, DecisionsOptions::wrong);
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
          new Field(field, table.column(option, LogicalTypeRoot.VARCHAR), LogicalTypeRoot.VARCHAR));
    }
  }

  private List<Field> fields(ConfigOption<String> option) {
    List<Field> fields = new ArrayList<>();
    LogicalTypeRoot[] types = table.types();
    for (String text : DecisionsOptions.names(options, option)) {
      int equals = text.indexOf('=');
      String field = equals < 0 ? text : text.substring(0, equals);
      int column = table.columns().indexOf(text.substring(equals + 1));
      if (column < 0 || !Fields.takes(types[column])) {
        throw DecisionsOptions.wrong(
            option.key(),
            "names columns that are texts, numbers, booleans or times, of %s; not %s"
                .formatted(table.columns(), text));
      }
      fields.add(new Field(field, column, types[column]));
    }
    return fields;
  }

  String name() {
    return name;
  }

  // --- ports ------------------------------------------------------------------------------------

  Ports ports() {
    Ports ports = new Ports(name);
    ports.add(DECISIONS, Rows.DECISION, Rows.DECISION_TYPES);
    Rows.addActions(ports, ACTIONS, Inputs.of(layout));
    table.addRefused(ports, REFUSED);
    Ledger.add(ports);
    return ports;
  }

  // --- operators --------------------------------------------------------------------------------

  SingleOutputStreamOperator<RowData> attach(DataStream<RowData> rows) {
    DecisionsOperator operator =
        new DecisionsOperator(
            name,
            layout,
            options.get(DecisionsOptions.DEFAULT_SCORE),
            stores.models(),
            stores.definitions().bounded(),
            options.get(DecisionsOptions.HEAP_SHARE),
            Stamp.of(received, data),
            ports());
    PackInputs pack =
        new PackInputs(
            new PackInputs.Columns(table.types(), key, secondKey, kind, id, time, data, received));
    return KeyedStream.attach(
            rows,
            name,
            pack,
            stores.definitions().attach(rows, name),
            operator,
            ports().information(DECISIONS))
        .setDescription("Decisions(key=[%s])".formatted(table.columns().get(key)));
  }
}
