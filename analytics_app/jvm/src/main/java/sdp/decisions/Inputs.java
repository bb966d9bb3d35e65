package sdp.decisions;

import java.io.Serializable;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import sdp.decisions.Fields.Field;

/**
 * What an action was scored from, as columns of its port: {@code event_<field>} for each field of
 * the event, {@code profile_<field>} for each of the profile, and {@code template}. A model is
 * trained on what it will see.
 */
record Inputs(Fields event, Fields profile) implements Serializable {
  private static final String EVENT = "event_";
  private static final String PROFILE = "profile_";
  private static final String TEMPLATE = "template";

  static Inputs of(Layout layout) {
    return new Inputs(layout.event(), layout.profile());
  }

  int count() {
    return event.all().size() + profile.all().size() + 1;
  }

  List<String> names() {
    List<String> names = new ArrayList<>();
    event.all().forEach(field -> names.add(EVENT + field.name()));
    profile.all().forEach(field -> names.add(PROFILE + field.name()));
    names.add(TEMPLATE);
    return names;
  }

  List<LogicalType> types() {
    List<LogicalType> types = new ArrayList<>();
    event.all().forEach(field -> types.add(type(field.type())));
    profile.all().forEach(field -> types.add(type(field.type())));
    types.add(type(LogicalTypeRoot.VARCHAR));
    return types;
  }

  private static LogicalType type(LogicalTypeRoot root) {
    var type =
        switch (root) {
          case BIGINT, INTEGER -> DataTypes.BIGINT();
          case DOUBLE -> DataTypes.DOUBLE();
          case BOOLEAN -> DataTypes.BOOLEAN();
          case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> DataTypes.TIMESTAMP_LTZ(3);
          default -> DataTypes.STRING();
        };
    return type.getLogicalType();
  }

  /**
   * Writes the values into a row.
   *
   * @param at the column of the first
   * @param known the profile, or null
   */
  void write(
      GenericRowData row,
      int at,
      Map<String, Object> values,
      Map<String, Object> known,
      String template) {
    int column = at;
    for (Field field : event.all()) {
      row.setField(column++, internal(values.get(field.name())));
    }
    for (Field field : profile.all()) {
      row.setField(column++, known == null ? null : internal(known.get(field.name())));
    }
    row.setField(column, StringData.fromString(template));
  }

  private static Object internal(Object value) {
    if (value instanceof String text) {
      return StringData.fromString(text);
    }
    return value instanceof Instant instant ? TimestampData.fromInstant(instant) : value;
  }
}
