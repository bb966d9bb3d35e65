package sdp.definitions;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.QueryRequest;
import software.amazon.awssdk.services.dynamodb.model.QueryResponse;
import software.amazon.awssdk.services.dynamodb.model.ReturnValue;
import software.amazon.awssdk.services.dynamodb.model.ReturnValuesOnConditionCheckFailure;
import software.amazon.awssdk.services.dynamodb.model.UpdateItemRequest;
import software.amazon.awssdk.services.dynamodb.model.UpdateItemResponse;

/** The table of definitions in memory, with what the API does to it; pages have three items. */
public final class FakeTable implements DynamoDbClient {
  public static final String NAME = "definitions";
  private static final int PAGE = 3;

  private final TreeMap<String, Map<String, AttributeValue>> versions = new TreeMap<>();
  private final List<Version> written = new ArrayList<>();
  private Map<String, AttributeValue> frontier = new HashMap<>();
  int queries;

  /** The instant that nothing can be valid from; the smallest number if there is none. */
  public long instant() {
    return number("instant", Long.MIN_VALUE);
  }

  private long number(String name, long byDefault) {
    return frontier.containsKey(name) ? Long.parseLong(frontier.get(name).n()) : byDefault;
  }

  public List<Version> written() {
    return written;
  }

  /** Adds a version in one transaction; whether it was accepted. */
  public boolean put(Version version) {
    if (version.validFrom() <= instant()) {
      return false;
    }
    long sequence = number("sequence", 0) + 1;
    frontier = new HashMap<>(frontier);
    frontier.put("sequence", AttributeValue.fromN(Long.toString(sequence)));
    versions.put("%012d".formatted(sequence), item(sequence, version));
    written.add(version);
    return true;
  }

  private static Map<String, AttributeValue> item(long sequence, Version version) {
    Map<String, AttributeValue> item = new HashMap<>();
    item.put("pk", AttributeValue.fromS("version"));
    item.put("sk", AttributeValue.fromS("%012d".formatted(sequence)));
    item.put("kind", AttributeValue.fromS(version.kind()));
    item.put("name", AttributeValue.fromS(version.name()));
    item.put("version", AttributeValue.fromN(Long.toString(version.version())));
    item.put("valid_from", AttributeValue.fromN(Long.toString(version.validFrom())));
    item.put("mode", AttributeValue.fromS(version.live() ? "live" : "shadow"));
    item.put("ended", AttributeValue.fromBool(version.ended()));
    item.put("body", AttributeValue.fromS(version.body()));
    if (version.checked() != null) {
      item.put("checked", AttributeValue.fromS(version.checked()));
    }
    if (version.placeholders() != null) {
      item.put("placeholders", AttributeValue.fromS(version.placeholders()));
    }
    return item;
  }

  /** Loses a version, as a table does that was restored wrongly. */
  void lose(long sequence) {
    versions.remove("%012d".formatted(sequence));
  }

  @Override
  public UpdateItemResponse updateItem(UpdateItemRequest request) {
    check(request.tableName().equals(NAME));
    check(request.key().get("pk").s().equals("frontier"));
    check(request.key().get("sk").s().equals("frontier"));
    check(request.updateExpression().equals("SET #instant = :now"));
    check(
        request.conditionExpression().equals("attribute_not_exists(#instant) OR #instant < :now"));
    check(request.returnValues() == ReturnValue.ALL_NEW);
    check(
        request.returnValuesOnConditionCheckFailure()
            == ReturnValuesOnConditionCheckFailure.ALL_OLD);
    AttributeValue now = request.expressionAttributeValues().get(":now");
    if (Long.parseLong(now.n()) <= instant()) {
      throw ConditionalCheckFailedException.builder()
          .message("The conditional request failed")
          .item(frontier)
          .build();
    }
    frontier = new HashMap<>(frontier);
    frontier.put("instant", now);
    return UpdateItemResponse.builder().attributes(frontier).build();
  }

  @Override
  public QueryResponse query(QueryRequest request) {
    queries++;
    check(request.tableName().equals(NAME) && request.consistentRead());
    check(request.keyConditionExpression().equals("#pk = :version AND #sk > :seen"));
    String seen = request.expressionAttributeValues().get(":seen").s();
    String after = request.hasExclusiveStartKey() ? request.exclusiveStartKey().get("sk").s() : "";
    var found = versions.tailMap(seen.compareTo(after) > 0 ? seen : after, false);
    var page = found.values().stream().limit(PAGE).toList();
    var response = QueryResponse.builder().items(page);
    if (found.size() > PAGE) {
      Map<String, AttributeValue> last = page.get(PAGE - 1);
      response.lastEvaluatedKey(Map.of("pk", last.get("pk"), "sk", last.get("sk")));
    }
    return response.build();
  }

  private static void check(boolean holds) {
    if (!holds) {
      throw new IllegalArgumentException("ValidationException");
    }
  }

  @Override
  public String serviceName() {
    return "dynamodb";
  }

  @Override
  public void close() {}
}
