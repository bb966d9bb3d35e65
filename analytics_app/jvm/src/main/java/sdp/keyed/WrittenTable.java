package sdp.keyed;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;

/**
 * The columns of a table that is written to: each can be packed, and options name some of them. In
 * an operator every one of them is nullable.
 */
public final class WrittenTable {
  private final ReadableConfig options;
  private final BiFunction<String, String, ValidationException> wrong;
  private final List<String> columns;
  private final List<LogicalType> types;

  /**
   * @param wrong the error of an option, by the option and what is wrong with it
   * @throws ValidationException if it has too many columns, or one that cannot be packed
   */
  public WrittenTable(
      RowType rows, ReadableConfig options, BiFunction<String, String, ValidationException> wrong) {
    this.options = options;
    this.wrong = wrong;
    columns = rows.getFieldNames();
    types = rows.getChildren().stream().map(type -> type.copy(true)).toList();
    if (columns.size() > Block.MAX_COLUMNS) {
      throw wrong.apply(
          "name", "has %d columns; at most %d".formatted(columns.size(), Block.MAX_COLUMNS));
    }
    types.forEach(this::check);
  }

  private void check(LogicalType type) {
    if (!RowPacker.packs(type.getTypeRoot())) {
      throw wrong.apply("name", "has a column of type " + type + ", which it cannot store");
    }
  }

  /** The column that an option names; the option must be there, and the column have the type. */
  public int column(ConfigOption<String> option, LogicalTypeRoot type) {
    String name =
        options.getOptional(option).orElseThrow(() -> wrong.apply(option.key(), "is missing"));
    int column = columns.indexOf(name);
    if (column < 0 || types.get(column).getTypeRoot() != type) {
      throw wrong.apply(
          option.key(), "names a column of type %s, one of %s".formatted(type, columns));
    }
    return column;
  }

  /** The same; -1 without the option. */
  public int optional(ConfigOption<String> option, LogicalTypeRoot type) {
    return options.getOptional(option).isPresent() ? column(option, type) : -1;
  }

  /** The names of the columns. */
  public List<String> columns() {
    return columns;
  }

  /** The types of the columns. */
  public LogicalTypeRoot[] types() {
    return types.stream().map(LogicalType::getTypeRoot).toArray(LogicalTypeRoot[]::new);
  }

  /** Where each column is in a row. */
  public int[] source() {
    return IntStream.range(0, columns.size()).toArray();
  }

  /** Adds the port of what is refused: the rows of {@link RefusedRow}. */
  public void addRefused(Ports ports, String port) {
    List<String> names = new ArrayList<>(columns);
    names.addAll(List.of("outcome", "detail"));
    List<LogicalType> all = new ArrayList<>(types);
    LogicalType text = DataTypes.STRING().getLogicalType();
    all.addAll(List.of(text, text));
    ports.add(port, names, all);
  }
}
