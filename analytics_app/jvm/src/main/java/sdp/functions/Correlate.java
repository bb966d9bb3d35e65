package sdp.functions;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.table.functions.SpecializedFunction;
import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.CallContext;
import org.apache.flink.table.types.inference.StateTypeStrategy;
import org.apache.flink.table.types.inference.StaticArgument;
import org.apache.flink.table.types.inference.StaticArgumentTrait;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.utils.DataTypeUtils;
import org.apache.flink.types.Row;

/**
 * CORRELATE: joins the ordered stages of a key, each at most once, and tells what became of every
 * record ({@link Outcome}). The rules are those of {@link Correlation}; works on any table.
 *
 * <pre>{@code
 * CREATE TEMPORARY FUNCTION CORRELATE AS 'sdp.functions.Correlate';
 * SELECT * FROM CORRELATE(
 *   input => TABLE decoded PARTITION BY order_id,
 *   stage_column => 'type', stages => 'ordered,packed,sent', own => 'event_id,data',
 *   window_ms => CAST(3600000 AS BIGINT), lateness_ms => CAST(3600000 AS BIGINT),
 *   on_time => DESCRIPTOR(occurred_at), uid => 'shop-correlate')
 * }</pre>
 *
 * Output columns, in this order: those of PARTITION BY; the other columns of the input, all
 * nullable; {@code outcome} STRING; for each stage {@code <stage>_at} TIMESTAMP_LTZ(3); {@code
 * rowtime}, which Flink adds: when the row was emitted in event time (for unmatched and closed rows
 * the timer's), while the input's own time column keeps the record's.
 *
 * <ul>
 *   <li>matched: columns that are null are filled from the earlier stages, except those in {@code
 *       own}; {@code <stage>_at} is set for this stage and the earlier ones.
 *   <li>duplicate, late, unmatched: the record as it came; every {@code <stage>_at} is null.
 *   <li>closed: the first value that is not null over the matched stages, {@code own} columns null;
 *       {@code <stage>_at} is set for the matched stages.
 * </ul>
 *
 * Records whose stage is not listed are ignored. Rows whose time is null must be filtered before.
 */
public final class Correlate extends ProcessTableFunction<RowData> implements SpecializedFunction {
  private static final long serialVersionUID = 1L;

  private final CorrelateSettings settings;
  private final Correlation rules;

  /** Needed by the planner only. */
  private final transient List<DataType> internalArguments;

  private transient Columns columns;
  private transient RowData.FieldGetter[] getters;
  private transient StringData[] stages;
  private transient StringData[] outcomes;
  private transient DataOutputSerializer buffer;

  /** The function before the planner has bound it to a call. */
  public Correlate() {
    this(null, null, null);
  }

  private Correlate(
      CorrelateSettings settings, Correlation rules, List<DataType> internalArguments) {
    this.internalArguments = internalArguments;
    this.rules = rules;
    this.settings = settings;
  }

  @Override
  public UserDefinedFunction specialize(SpecializedContext context) {
    CallContext call = context.getCallContext();
    return new Correlate(
        CorrelateSettings.of(call), CorrelateSettings.rules(call), internalArguments(call));
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory factory) {
    LinkedHashMap<String, StateTypeStrategy> state = new LinkedHashMap<>();
    // no TTL, whatever the job's is: keys close by event time, and it would cost each access
    state.put("key", StateTypeStrategy.of(call -> Optional.of(stateType()), Duration.ZERO));
    TypeInference.Builder inference =
        TypeInference.newBuilder()
            .stateTypeStrategies(state)
            .outputTypeStrategy(call -> Optional.of(CorrelateSettings.of(call).output()));
    return arguments(inference).build();
  }

  /** Static table arguments always arrive as Row; once bound, typed ones arrive as RowData. */
  @SuppressWarnings("deprecation")
  private TypeInference.Builder arguments(TypeInference.Builder inference) {
    return internalArguments == null
        ? inference.staticArguments(arguments())
        : inference.typedArguments(internalArguments);
  }

  private static List<DataType> internalArguments(CallContext call) {
    return call.getArgumentDataTypes().stream()
        .limit(CorrelateSettings.ARGUMENTS.size())
        .map(DataTypeUtils::toInternalDataType)
        .toList();
  }

  private static DataType stateType() {
    return DataTypes.ROW(DataTypes.FIELD("bytes", DataTypes.BYTES()));
  }

  private static List<StaticArgument> arguments() {
    List<StaticArgument> arguments = new ArrayList<>();
    arguments.add(
        StaticArgument.table(
            CorrelateSettings.INPUT,
            RowData.class,
            false,
            EnumSet.of(
                StaticArgumentTrait.TABLE,
                StaticArgumentTrait.SET_SEMANTIC_TABLE,
                StaticArgumentTrait.REQUIRE_ON_TIME)));
    for (String name : CorrelateSettings.ARGUMENTS.subList(1, 4)) {
      arguments.add(StaticArgument.scalar(name, DataTypes.STRING(), false));
    }
    for (String name : CorrelateSettings.ARGUMENTS.subList(4, 6)) {
      arguments.add(StaticArgument.scalar(name, DataTypes.BIGINT(), false));
    }
    return arguments;
  }

  @Override
  public void open(FunctionContext context) {
    columns = new Columns(settings.names(), settings.types());
    getters = settings.getters();
    stages = settings.stages().stream().map(StringData::fromString).toArray(StringData[]::new);
    outcomes = new StringData[Outcome.values().length];
    for (Outcome outcome : Outcome.values()) {
      outcomes[outcome.ordinal()] = StringData.fromString(outcome.label());
    }
    buffer = new DataOutputSerializer(512);
  }

  /** Called for each record; the literal arguments are known from {@link #specialize}. */
  public void eval(
      Context context,
      Row state,
      RowData input,
      StringData stageColumn,
      StringData stageNames,
      StringData own,
      Long window,
      Long lateness) {
    int stage = stage(input);
    if (stage < 0) {
      return;
    }
    TimeContext<Long> time = context.timeContext(Long.class);
    Object[] row = Fields.values(input, getters);
    Long watermark = time.currentWatermark();
    if (watermark != null && rules.isLate(time.time(), watermark)) {
      collect(row(row, Outcome.LATE, null, 0));
      return;
    }
    KeyState key = KeyState.read((byte[]) state.getField(0), stages.length, columns);
    int seen = key.seen;
    long timer = rules.accept(key, stage, time.time(), row, (o, s, r) -> emit(key, o, s, r));
    if (key.seen != seen) {
      state.setField(0, key.write(columns, buffer));
    }
    if (timer != Correlation.NO_TIMER) {
      time.registerOnTime(timer);
    }
  }

  /** Called when a key may have to be closed. */
  public void onTimer(OnTimerContext context, Row state) {
    byte[] bytes = (byte[]) state.getField(0);
    if (bytes == null) {
      return; // closed by another timer
    }
    TimeContext<Long> time = context.timeContext(Long.class);
    KeyState key = KeyState.read(bytes, stages.length, columns);
    long timer = rules.expire(key, time.time(), (o, s, r) -> emit(key, o, s, r));
    if (timer != Correlation.NO_TIMER) {
      time.registerOnTime(timer);
    } else {
      // not clearAll(): it walks all timers and loses those of other keys (Flink 2.3)
      context.clearAllState();
    }
  }

  private void emit(KeyState key, Outcome outcome, int stage, Object[] record) {
    switch (outcome) {
      case MATCHED -> {
        collect(row(filled(record, key.merged), outcome, key.times, stage + 1));
        key.merge(record, settings.own());
      }
      case CLOSED -> collect(row(key.merged, outcome, key.times, key.matched));
      default -> collect(row(record, outcome, null, 0));
    }
  }

  private Object[] filled(Object[] record, Object[] earlier) {
    if (earlier == null) {
      return record;
    }
    Object[] filled = record.clone();
    for (int column = 0; column < filled.length; column++) {
      if (filled[column] == null && !settings.own()[column]) {
        filled[column] = earlier[column];
      }
    }
    return filled;
  }

  private RowData row(Object[] values, Outcome outcome, long[] times, int matched) {
    GenericRowData row = new GenericRowData(values.length + 1 + stages.length);
    for (int column = 0; column < values.length; column++) {
      row.setField(column, values[column]);
    }
    row.setField(values.length, outcomes[outcome.ordinal()]);
    for (int stage = 0; stage < matched; stage++) {
      row.setField(values.length + 1 + stage, TimestampData.fromEpochMillis(times[stage]));
    }
    return row;
  }

  private int stage(RowData input) {
    if (input.isNullAt(settings.stagePosition())) {
      return -1;
    }
    StringData name = input.getString(settings.stagePosition());
    for (int stage = 0; stage < stages.length; stage++) {
      if (stages[stage].equals(name)) {
        return stage;
      }
    }
    return -1;
  }
}
