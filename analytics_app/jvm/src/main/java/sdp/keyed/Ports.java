package sdp.keyed;

import java.io.Serializable;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.OutputTag;

/**
 * The outputs of an operator that stands between tables: what is written to one table goes through
 * the operator, and each port is read as a table of its own. Both sides find each other by the
 * operator's name while a job is planned.
 */
public final class Ports implements Serializable {
  private static final long serialVersionUID = 1L;

  private static final Map<StreamExecutionEnvironment, Map<String, Planned>> PLANNED =
      new WeakHashMap<>();

  /** An operator whose input is planned. */
  record Planned(SingleOutputStreamOperator<RowData> operator, Ports ports) {}

  private final String operator;
  private final Map<String, RowType> types = new LinkedHashMap<>();

  /**
   * @param operator the name of the operator
   */
  public Ports(String operator) {
    this.operator = operator;
  }

  /** Adds a port with the columns of its rows. */
  public void add(String port, List<String> names, List<LogicalType> columns) {
    types.put(port, RowType.of(columns.toArray(LogicalType[]::new), names.toArray(String[]::new)));
  }

  /** The side output of a port. */
  public OutputTag<RowData> tag(String port) {
    return new OutputTag<>(port, information(port));
  }

  /** How the rows of a port are serialized. */
  public TypeInformation<RowData> information(String port) {
    return InternalTypeInfo.of(type(port));
  }

  RowType type(String port) {
    RowType type = types.get(port);
    if (type == null) {
      throw new ValidationException(
          "'port' = '%s': '%s' has the ports %s.".formatted(port, operator, types.keySet()));
    }
    return type;
  }

  static synchronized void register(
      StreamExecutionEnvironment environment, String name, Planned planned) {
    PLANNED.computeIfAbsent(environment, e -> new HashMap<>()).put(name, planned);
  }

  static synchronized Planned find(StreamExecutionEnvironment environment, String name) {
    Planned planned = PLANNED.getOrDefault(environment, Map.of()).get(name);
    if (planned == null) {
      throw new ValidationException(
          "A port of '%s' is read before anything is inserted into its table: put the INSERT INTO"
                  .formatted(name)
              + " the table first in the statement set.");
    }
    return planned;
  }
}
