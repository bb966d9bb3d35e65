package sdp.definitions;

import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.QueryRequest;
import software.amazon.awssdk.services.dynamodb.model.QueryResponse;
import software.amazon.awssdk.services.dynamodb.model.ReturnValue;
import software.amazon.awssdk.services.dynamodb.model.ReturnValuesOnConditionCheckFailure;
import software.amazon.awssdk.services.dynamodb.model.UpdateItemRequest;

/**
 * The table that the API of definitions writes to.
 *
 * <p>The item {@code frontier} has an {@code instant}, which only grows, and the {@code sequence}
 * of the last version. Whoever adds a version does so in one transaction with the conditions that
 * {@code instant} is before the version's {@code valid_from} and that {@code sequence} is the one
 * before. So once {@code instant} has been moved to a time, every version that is valid from then
 * or earlier has been written, and a consistent read returns it.
 */
public final class DynamoStore implements DefinitionStore {
  private static final Duration ATTEMPT_TIMEOUT = Duration.ofSeconds(10);
  private static final AttributeValue FRONTIER = AttributeValue.fromS("frontier");
  private static final AttributeValue VERSION = AttributeValue.fromS("version");
  private static final Map<String, String> NAMES =
      Map.of("#instant", "instant"); // names that may be reserved are never written out

  private final DynamoDbClient client;
  private final String table;
  private final Clock clock;
  private final boolean bounded;

  /** The number of the last version that was read. */
  private long last;

  /**
   * @param bounded reads once all that is there, and leaves the frontier where it is
   */
  public DynamoStore(DynamoDbClient client, String table, Clock clock, boolean bounded) {
    this.client = client;
    this.table = table;
    this.clock = clock;
    this.bounded = bounded;
  }

  /** Connects with the default credentials chain. */
  static DynamoDbClient connect(String region, String endpoint) {
    var builder =
        DynamoDbClient.builder()
            .region(Region.of(region))
            .overrideConfiguration(c -> c.apiCallAttemptTimeout(ATTEMPT_TIMEOUT))
            .httpClientBuilder(ApacheHttpClient.builder());
    String url = endpoint != null ? endpoint : System.getenv("AWS_ENDPOINT_URL");
    if (url != null) {
      builder.endpointOverride(URI.create(url));
    }
    return builder.build();
  }

  @Override
  public Update read(long reaching) {
    if (bounded) {
      return new Update(newVersions(), END);
    }
    Map<String, AttributeValue> frontier = call(() -> moveFrontier(reaching));
    long written = number(frontier, "sequence", 0);
    List<Version> versions = written > last ? newVersions() : List.of();
    if (last < written) {
      throw new IllegalStateException(
          "Table %s: version %d has been written, but the last one is %d. Restore the missing versions."
              .formatted(table, written, last));
    }
    return new Update(versions, number(frontier, "instant", Long.MIN_VALUE));
  }

  /** Moves the frontier to now or the later instant; where it is further already it stays. */
  private Map<String, AttributeValue> moveFrontier(long reaching) {
    AttributeValue now = AttributeValue.fromN(Long.toString(Math.max(clock.millis(), reaching)));
    try {
      return client
          .updateItem(
              UpdateItemRequest.builder()
                  .tableName(table)
                  .key(Map.of("pk", FRONTIER, "sk", FRONTIER))
                  .updateExpression("SET #instant = :now")
                  .conditionExpression("attribute_not_exists(#instant) OR #instant < :now")
                  .expressionAttributeNames(NAMES)
                  .expressionAttributeValues(Map.of(":now", now))
                  .returnValues(ReturnValue.ALL_NEW)
                  .returnValuesOnConditionCheckFailure(ReturnValuesOnConditionCheckFailure.ALL_OLD)
                  .build())
          .attributes();
    } catch (ConditionalCheckFailedException e) {
      return e.item();
    }
  }

  private List<Version> newVersions() {
    List<Version> versions = new ArrayList<>();
    Map<String, AttributeValue> next = null;
    do {
      QueryRequest request = after(next);
      QueryResponse page = call(() -> client.query(request));
      page.items().forEach(item -> versions.add(version(item)));
      next = page.hasLastEvaluatedKey() ? page.lastEvaluatedKey() : null;
    } while (next != null && !next.isEmpty());
    return versions;
  }

  private QueryRequest after(Map<String, AttributeValue> start) {
    AttributeValue seen = AttributeValue.fromS("%012d".formatted(last));
    return QueryRequest.builder()
        .tableName(table)
        .consistentRead(true)
        .keyConditionExpression("#pk = :version AND #sk > :seen")
        .expressionAttributeNames(Map.of("#pk", "pk", "#sk", "sk"))
        .expressionAttributeValues(Map.of(":version", VERSION, ":seen", seen))
        .exclusiveStartKey(start)
        .build();
  }

  private Version version(Map<String, AttributeValue> item) {
    last = Math.max(last, Long.parseLong(item.get("sk").s()));
    AttributeValue ended = item.get("ended");
    return new Version(
        text(item, "kind"),
        text(item, "name"),
        number(item, "version", 0),
        number(item, "valid_from", 0),
        !"shadow".equals(text(item, "mode")),
        ended != null && Boolean.TRUE.equals(ended.bool()),
        text(item, "body"),
        text(item, "checked"),
        text(item, "placeholders"));
  }

  private static String text(Map<String, AttributeValue> item, String name) {
    AttributeValue value = item.get(name);
    return value == null ? null : value.s();
  }

  private static long number(Map<String, AttributeValue> item, String name, long byDefault) {
    AttributeValue value = item.get(name);
    return value == null || value.n() == null ? byDefault : Long.parseLong(value.n());
  }

  private static <T> T call(Supplier<T> request) {
    try {
      return request.get();
    } catch (AwsServiceException e) {
      if (e.isThrottlingException() || e.statusCode() >= 500) {
        throw new UnavailableException(e.getMessage(), e);
      }
      throw e;
    } catch (SdkClientException e) {
      throw new UnavailableException(e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
