package sdp.decisions;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;
import sdp.decisions.Decision.Action;
import sdp.decisions.Decision.RuleResult;
import sdp.keyed.Ports;

/** Decisions and actions as rows of their ports. */
final class Rows {
  static final List<String> DECISION =
      List.of(
          "id",
          "business_event_id",
          "kind",
          "subject",
          "customer_id",
          "occurred_at",
          "passed",
          "rules",
          "score",
          "model_version",
          "action_id",
          "profile_id",
          "detail",
          "trace_id");

  static final List<LogicalType> DECISION_TYPES =
      types(
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.TIMESTAMP_LTZ(3),
          DataTypes.BOOLEAN(),
          DataTypes.STRING(),
          DataTypes.DOUBLE(),
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.STRING());

  static final List<String> ACTION =
      List.of(
          "id",
          "kind",
          "subject",
          "customer_id",
          "channel",
          "title",
          "message",
          "score",
          "rule",
          "rule_version",
          "template_version",
          "model_version",
          "business_event_id",
          "occurred_at",
          "trace_id");

  static final List<LogicalType> ACTION_TYPES =
      types(
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.DOUBLE(),
          DataTypes.STRING(),
          DataTypes.BIGINT(),
          DataTypes.BIGINT(),
          DataTypes.STRING(),
          DataTypes.STRING(),
          DataTypes.TIMESTAMP_LTZ(3),
          DataTypes.STRING());

  /** The port of actions. */
  static void addActions(Ports ports, String port, Inputs inputs) {
    List<String> names = new ArrayList<>(ACTION);
    List<LogicalType> types = new ArrayList<>(ACTION_TYPES);
    names.addAll(inputs.names());
    types.addAll(inputs.types());
    ports.add(port, names, types);
  }

  private static List<LogicalType> types(DataType... types) {
    return List.of(types).stream().map(DataType::getLogicalType).toList();
  }

  /** One event has one decision, so the event's id is the decision's. */
  static RowData decision(
      long time,
      Map<String, Object> event,
      Map<String, Object> profile,
      String customer,
      Decision decision) {
    return GenericRowData.of(
        text(event, Layout.ID),
        text(event, Layout.ID),
        text(event, Layout.KIND),
        text(event, Layout.SUBJECT),
        customer(event, profile, customer),
        TimestampData.fromEpochMillis(time),
        decision.passed(),
        StringData.fromString(rules(decision)),
        decision.score(),
        StringData.fromString(decision.modelVersion()),
        decision.action() == null ? null : actionId(event, decision.action()),
        profile == null ? null : text(profile, Layout.PROFILE_ID),
        detail(decision),
        text(event, Layout.TRACE));
  }

  /** An action, and what it was scored from. */
  static RowData action(
      long time,
      Map<String, Object> event,
      Map<String, Object> profile,
      String customer,
      Decision decision,
      Inputs inputs) {
    Action action = decision.action();
    Object[] own = {
      actionId(event, action),
      text(event, Layout.KIND),
      text(event, Layout.SUBJECT),
      customer(event, profile, customer),
      StringData.fromString(action.channel()),
      StringData.fromString(action.title()),
      StringData.fromString(action.message()),
      action.score(),
      StringData.fromString(action.rule().name()),
      action.rule().version(),
      action.template().version(),
      StringData.fromString(decision.modelVersion()),
      text(event, Layout.ID),
      TimestampData.fromEpochMillis(time),
      text(event, Layout.TRACE)
    };
    GenericRowData row = new GenericRowData(own.length + inputs.count());
    for (int column = 0; column < own.length; column++) {
      row.setField(column, own[column]);
    }
    inputs.write(row, own.length, event, profile, action.template().name());
    return row;
  }

  private static StringData actionId(Map<String, Object> event, Action action) {
    return StringData.fromString(event.get(Layout.ID) + ":" + action.rule().name());
  }

  private static StringData customer(
      Map<String, Object> event, Map<String, Object> profile, String field) {
    StringData ofProfile = profile == null ? null : text(profile, field);
    return ofProfile != null ? ofProfile : text(event, field);
  }

  private static StringData text(Map<String, Object> fields, String name) {
    Object value = fields.get(name);
    return value == null ? null : StringData.fromString(value.toString());
  }

  private static StringData detail(Decision decision) {
    return decision.remarks().isEmpty()
        ? null
        : StringData.fromString(String.join("; ", decision.remarks()));
  }

  private static String rules(Decision decision) {
    ArrayNode rules = Definition.Json.MAPPER.createArrayNode();
    for (RuleResult result : decision.rules()) {
      ObjectNode rule = rules.addObject();
      rule.put("name", result.version().name());
      rule.put("version", result.version().version());
      rule.put("mode", result.version().live() ? "live" : "shadow");
      rule.put("result", result.result().name().toLowerCase(Locale.ROOT));
      if (result.reason() != null) {
        rule.put("reason", result.reason());
      }
      Map<String, Long> features = new TreeMap<>(result.features());
      if (decision.action() != null && decision.action().rule() == result.version()) {
        features.putAll(decision.action().features());
      }
      if (!features.isEmpty()) {
        features.forEach(rule.putObject("features")::put);
      }
    }
    return rules.toString();
  }

  private Rows() {}
}
