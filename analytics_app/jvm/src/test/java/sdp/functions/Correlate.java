package sdp.functions;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.dataview.MapView;
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
import sdp.correlate.Outcome;

/**
 * CORRELATE: joins the ordered stages of a key, each at most once, and tells what became of every
 * record ({@link Outcome}). The rules are those of {@link Correlation}; works on any table.
 *
 * <pre>{@code
 * CREATE TEMPORARY FUNCTION CORRELATE AS 'sdp.functions.Correlate';
 * CREATE TEMPORARY FUNCTION SLICE AS 'sdp.functions.Slice';
 * CREATE TEMPORARY VIEW orders AS SELECT *, SLICE(order_id) AS slice FROM decoded;
 * SELECT * FROM CORRELATE(
 *   input => TABLE orders PARTITION BY slice, key_column => 'order_id',
 *   stage_column => 'type', stages => 'ordered,packed,sent', own => 'event_id,data',
 *   window_ms => CAST(3600000 AS BIGINT), lateness_ms => CAST(3600000 AS BIGINT),
 *   on_time => DESCRIPTOR(occurred_at), uid => 'shop-correlate')
 * }</pre>
 *
 * Output columns, in this order: the slice; the other columns of the input, all nullable; {@code
 * outcome} STRING; for each stage {@code <stage>_at} TIMESTAMP_LTZ(3); {@code rowtime}, which Flink
 * adds: when the row was emitted in event time (for unmatched and closed rows mostly the timer's),
 * while the input's own time column keeps the record's.
 *
 * <ul>
 *   <li>matched: columns that are null are filled from the earlier stages, except those in {@code
 *       own}; {@code <stage>_at} is set for this stage and the earlier ones.
 *   <li>duplicate, late, unmatched: the record as it came; every {@code <stage>_at} is null.
 *   <li>closed: the first value that is not null over the matched stages, {@code own} columns null;
 *       {@code <stage>_at} is set for the matched stages.
 * </ul>
 *
 * A key is closed by its own time, to the millisecond, but reported as closed with others of its
 * slice: up to a twentieth of window and lateness later, at least 1 and at most 30 seconds of event
 * time, and one more.
 *
 * <p>Records whose stage is not listed are ignored; those without a key are unmatched. Rows whose
 * time is null must be filtered before.
 */
public final class Correlate extends ProcessTableFunction<RowData> implements SpecializedFunction {
  private static final long serialVersionUID = 1L;

  /** The share of the heap, for each subtask, that caches the state. */
  private static final int SHARE_OF_HEAP = 16;

  private final CorrelateSettings settings;
  private final Correlation rules;

  /** Needed by the planner only. */
  private final transient List<DataType> internalArguments;

  private transient RowData.FieldGetter[] getters;
  private transient StringData[] stages;
  private transient StringData[] outcomes;
  private transient Correlator correlator;

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
    state.put("keys", StateTypeStrategy.of(call -> Optional.of(stateType()), Duration.ZERO));
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
    return MapView.newMapViewDataType(DataTypes.BIGINT().notNull(), DataTypes.BYTES().notNull());
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
    for (String name : CorrelateSettings.ARGUMENTS.subList(1, 5)) {
      arguments.add(StaticArgument.scalar(name, DataTypes.STRING(), false));
    }
    for (String name : CorrelateSettings.ARGUMENTS.subList(5, 7)) {
      arguments.add(StaticArgument.scalar(name, DataTypes.BIGINT(), false));
    }
    return arguments;
  }

  @Override
  public void open(FunctionContext context) {
    getters = settings.getters();
    stages = settings.stages().stream().map(StringData::fromString).toArray(StringData[]::new);
    outcomes = new StringData[Outcome.values().length];
    for (Outcome outcome : Outcome.values()) {
      outcomes[outcome.ordinal()] = StringData.fromString(outcome.label());
    }
    correlator =
        new Correlator(
            rules,
            new Columns(settings.names(), settings.types()),
            settings.keyColumn(),
            name -> Slice.hash(name.toBytes()),
            settings.own(),
            new OpenKeys.Room(Runtime.getRuntime().maxMemory() / SHARE_OF_HEAP),
            (values, outcome, times, matched) -> collect(row(values, outcome, times, matched)));
  }

  /** Called for each record; the literal arguments are known from {@link #specialize}. */
  public void eval(
      Context context,
      MapView<Long, byte[]> state,
      RowData input,
      StringData keyColumn,
      StringData stageColumn,
      StringData stageNames,
      StringData own,
      Long window,
      Long lateness)
      throws Exception {
    int stage = stage(input);
    if (stage < 0) {
      return;
    }
    TimeContext<Long> time = context.timeContext(Long.class);
    Long current = time.currentWatermark();
    long watermark = current == null ? Correlation.NO_WATERMARK : current;
    Object[] row = Fields.values(input, getters);
    StringData key = (StringData) row[settings.keyColumn()];
    if (rules.isLate(time.time(), watermark)) {
      collect(row(row, Outcome.LATE, null, 0));
    } else if (key == null) {
      collect(row(row, Outcome.UNMATCHED, null, 0));
    } else {
      int slice = input.getInt(settings.slicePosition());
      correlator.accept(row, slice, stage, time.time(), watermark, state, time::registerOnTime);
    }
  }

  /** Called when keys may have to be closed. */
  public void onTimer(OnTimerContext context, MapView<Long, byte[]> state) throws Exception {
    TimeContext<Long> time = context.timeContext(Long.class);
    correlator.fire(time.time(), state, time::registerOnTime);
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
