package sdp.definitions;

import java.io.Serializable;
import java.time.Clock;
import java.util.List;
import java.util.function.BiFunction;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.RowData;

/**
 * The definitions as the second input of an operator, by the options of a table: in DynamoDB, or in
 * a file.
 *
 * @param bounded whether they are read once
 * @param intervalMillis the time from one read to the next
 */
public record DefinitionsInput(DefinitionStore.Opener store, boolean bounded, long intervalMillis)
    implements Serializable {
  /** Of an operator that may have definitions, and has none. */
  private static final DefinitionsInput NONE =
      new DefinitionsInput(() -> new Nothing(), true, 1_000);

  /**
   * @param wrong the error of an option, by the option and what is wrong with it
   */
  public static DefinitionsInput of(
      ReadableConfig options, BiFunction<String, String, ValidationException> wrong) {
    boolean isFile = options.getOptional(DefinitionsOptions.FILE).isPresent();
    if (isFile == options.getOptional(DefinitionsOptions.TABLE).isPresent()) {
      throw wrong.apply("definitions.table", "or 'definitions.file' is required, one of them");
    }
    long interval = options.get(DefinitionsOptions.INTERVAL).toMillis();
    if (isFile) {
      String path = options.get(DefinitionsOptions.FILE);
      return new DefinitionsInput(() -> new FileStore(path), true, interval);
    }
    String table = options.get(DefinitionsOptions.TABLE);
    String region = region(options, wrong);
    String endpoint = options.getOptional(DefinitionsOptions.ENDPOINT).orElse(null);
    boolean bounded = options.get(DefinitionsOptions.BOUNDED);
    return new DefinitionsInput(
        () ->
            new DynamoStore(
                DynamoStore.connect(region, endpoint), table, Clock.systemUTC(), bounded),
        bounded,
        interval);
  }

  /** The same; without table and file there are no definitions. */
  public static DefinitionsInput optional(
      ReadableConfig options, BiFunction<String, String, ValidationException> wrong) {
    boolean isNone =
        options.getOptional(DefinitionsOptions.FILE).isEmpty()
            && options.getOptional(DefinitionsOptions.TABLE).isEmpty();
    return isNone ? NONE : of(options, wrong);
  }

  /** The region of the table. */
  public static String region(
      ReadableConfig options, BiFunction<String, String, ValidationException> wrong) {
    return options
        .getOptional(DefinitionsOptions.REGION)
        .orElseThrow(() -> wrong.apply(DefinitionsOptions.REGION.key(), "is missing"));
  }

  /**
   * The versions as they are written, with their watermarks, in the job of these rows.
   *
   * @param operator whose input they are
   */
  public DataStream<byte[]> attach(DataStream<RowData> rows, String operator) {
    return rows.getExecutionEnvironment()
        .fromSource(
            new DefinitionsSource(store, bounded, intervalMillis),
            WatermarkStrategy.noWatermarks(),
            operator + " definitions",
            PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
        .uid(operator + "-definitions")
        .setBufferTimeout(0) // it emits once a second: no thread looks whether something waits
        .setParallelism(1)
        .setMaxParallelism(1);
  }

  private static final class Nothing implements DefinitionStore {
    @Override
    public Update read(long reaching) {
      return new Update(List.of(), END);
    }

    @Override
    public void close() {}
  }
}
