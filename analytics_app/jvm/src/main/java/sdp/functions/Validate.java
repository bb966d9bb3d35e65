package sdp.functions;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.table.functions.SpecializedFunction;
import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.CallContext;
import org.apache.flink.table.types.inference.StaticArgument;
import org.apache.flink.table.types.inference.StaticArgumentTrait;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.utils.DataTypeUtils;
import sdp.checks.Check;
import sdp.checks.Checks;

/**
 * VALIDATE: each record of a stream of events, and in {@code violation} what is wrong with it, NULL
 * where nothing is.
 *
 * <pre>{@code
 * SELECT * FROM VALIDATE(
 *   input => TABLE events,
 *   types => 'reading,alarm',
 *   ignored => 'heartbeat',
 *   checks => '* event_id required - is required
 * reading level min 0 is less than 0')
 * }</pre>
 *
 * <p>As a function of a table it stays between the source and whatever reads the result. The
 * planner would copy an expression into each reader, to be evaluated there for each record again.
 *
 * <p>The input has the columns {@code type}, {@code occurred_at}, {@code received_at}, {@code
 * arrival_timestamp}, and those that the checks name. {@code types} are the values of {@code type}
 * that are known, {@code ignored} is one more, of which only the time is checked, and {@code
 * checks} has a line for each {@link Check}. A time attribute of the input stays one.
 */
public final class Validate extends ProcessTableFunction<RowData> implements SpecializedFunction {
  private static final long serialVersionUID = 1L;

  /** The arguments after the table, all of them literals. */
  private static final List<String> TEXTS = List.of("types", "ignored", "checks");

  private final Checks checks;

  /** Needed by the planner only. */
  private final transient List<DataType> internalArguments;

  private transient GenericRowData[] violations;

  /** The function before the planner has bound it to a call. */
  public Validate() {
    this(null, null);
  }

  private Validate(Checks checks, List<DataType> internalArguments) {
    this.checks = checks;
    this.internalArguments = internalArguments;
  }

  @Override
  public UserDefinedFunction specialize(SpecializedContext context) {
    CallContext call = context.getCallContext();
    List<DataType> internal =
        call.getArgumentDataTypes().stream()
            .limit(1 + TEXTS.size())
            .map(DataTypeUtils::toInternalDataType)
            .toList();
    return new Validate(checks(call), internal);
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory factory) {
    DataType violation = DataTypes.ROW(DataTypes.FIELD("violation", DataTypes.STRING()));
    TypeInference.Builder inference =
        TypeInference.newBuilder()
            .outputTypeStrategy(call -> Optional.of(DataTypeUtils.toInternalDataType(violation)));
    return arguments(inference).build();
  }

  /** Static table arguments always arrive as Row; once bound, typed ones arrive as RowData. */
  @SuppressWarnings("deprecation")
  private TypeInference.Builder arguments(TypeInference.Builder inference) {
    return internalArguments == null
        ? inference.staticArguments(
            Stream.concat(Stream.of(table()), TEXTS.stream().map(Validate::text)).toList())
        : inference.typedArguments(internalArguments);
  }

  private static StaticArgument table() {
    return StaticArgument.table(
        "input",
        RowData.class,
        false,
        EnumSet.of(
            StaticArgumentTrait.TABLE,
            StaticArgumentTrait.ROW_SEMANTIC_TABLE,
            StaticArgumentTrait.PASS_COLUMNS_THROUGH));
  }

  private static StaticArgument text(String name) {
    return StaticArgument.scalar(name, DataTypes.STRING(), false);
  }

  private static Checks checks(CallContext call) {
    DataType input = call.getArgumentDataTypes().get(0);
    List<String> names = DataType.getFieldNames(input);
    return new Checks(
        Check.parse(value(call, "checks")),
        names,
        input.getLogicalType().getChildren().stream().map(LogicalType::getTypeRoot).toList(),
        List.of(value(call, "types").split(",")),
        value(call, "ignored"),
        new Checks.Columns(
            names.indexOf("type"),
            names.indexOf("occurred_at"),
            names.indexOf("arrival_timestamp"),
            names.indexOf("received_at")));
  }

  private static String value(CallContext call, String text) {
    int at = 1 + TEXTS.indexOf(text);
    Optional<String> given =
        call.isArgumentLiteral(at) ? call.getArgumentValue(at, String.class) : Optional.empty();
    return given.orElseThrow(
        () -> new ValidationException("VALIDATE: " + text + " must be a literal"));
  }

  @Override
  public void open(FunctionContext context) {
    violations =
        Arrays.stream(checks.violations()).map(Validate::row).toArray(GenericRowData[]::new);
  }

  private static GenericRowData row(String violation) {
    return GenericRowData.of(violation == null ? null : StringData.fromString(violation));
  }

  /** Called for each record; the texts are known from {@link #specialize}. */
  public void eval(RowData input, StringData types, StringData ignored, StringData lines) {
    collect(violations[checks.violation(input)]);
  }
}
