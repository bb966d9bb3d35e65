package sdp.definitions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import sdp.decisions.Checked;
import sdp.definitions.DefinitionStore.UnavailableException;
import sdp.definitions.DefinitionStore.Update;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.DynamoDbException;
import software.amazon.awssdk.services.dynamodb.model.UpdateItemRequest;
import software.amazon.awssdk.services.dynamodb.model.UpdateItemResponse;

/** What is read of the table, and the frontier that moves with it. */
public class DynamoStoreTest {
  private final AtomicLong now = new AtomicLong(1_000);
  private final FakeTable table = new FakeTable();
  private final DynamoStore store = open(table, false);

  private DynamoStore open(DynamoDbClient client, boolean bounded) {
    return new DynamoStore(client, FakeTable.NAME, new Manual(now), bounded);
  }

  @Test
  void theFrontierMovesToNowAndNothingBeforeItCanBeAdded() {
    assertEquals(new Update(List.of(), 1_000), store.read());
    Version rule = Checked.rule("a", 1, 1_000, "true");
    assertFalse(table.put(rule));
    assertTrue(table.put(Checked.rule("a", 1, 1_001, "true")));
  }

  @Test
  void eachVersionIsReadOnceAndOverAllPages() {
    List<Version> versions =
        LongStream.range(0, 8).mapToObj(n -> Checked.rule("a", n, 2_000 + n, "true")).toList();
    versions.forEach(table::put);
    assertEquals(versions, store.read().versions());
    int queries = table.queries;
    now.set(1_500);
    assertEquals(new Update(List.of(), 1_500), store.read());
    assertEquals(queries, table.queries, "nothing is queried where nothing is new");
    Version shadow = Checked.shadow(Checked.threshold("t", 1, 3_000, 0.5));
    table.put(shadow);
    table.put(Checked.ended(versions.get(0), 9, 4_000));
    assertEquals(
        List.of(shadow, Checked.ended(versions.get(0), 9, 4_000)), store.read().versions());
  }

  @Test
  void theFrontierNeverGoesBack() {
    store.read();
    now.set(500);
    assertEquals(1_000, store.read().instant());
    assertEquals(1_000, table.instant());
  }

  @Test
  void aBoundedReadMovesNoFrontierAndIsTheEnd() {
    Version rule = Checked.rule("a", 1, 5_000, "true");
    table.put(rule);
    assertEquals(new Update(List.of(rule), DefinitionStore.END), open(table, true).read());
    assertEquals(Long.MIN_VALUE, table.instant());
  }

  @Test
  void aMissingVersionStopsTheJobInsteadOfDecidingWithoutIt() {
    table.put(Checked.rule("a", 1, 5_000, "true"));
    table.put(Checked.rule("a", 2, 5_000, "true"));
    table.lose(2);
    Exception refused = assertThrows(IllegalStateException.class, store::read);
    assertTrue(refused.getMessage().contains("version 2 has been written"), refused.getMessage());
  }

  @Test
  void whatMayPassIsRetriedAndTheRestIsNot() {
    assertThrows(
        UnavailableException.class,
        () -> failing(SdkClientException.create("connection refused")).read());
    assertThrows(
        UnavailableException.class,
        () -> failing(DynamoDbException.builder().statusCode(500).build()).read());
    assertThrows(
        DynamoDbException.class,
        () -> failing(DynamoDbException.builder().statusCode(400).build()).read());
  }

  private DynamoStore failing(RuntimeException with) {
    return open(
        new DynamoDbClient() {
          @Override
          public UpdateItemResponse updateItem(UpdateItemRequest request) {
            throw with;
          }

          @Override
          public String serviceName() {
            return "dynamodb";
          }

          @Override
          public void close() {}
        },
        false);
  }

  /** A clock that is set. */
  public static final class Manual extends Clock {
    private final AtomicLong millis;

    public Manual(AtomicLong millis) {
      this.millis = millis;
    }

    @Override
    public long millis() {
      return millis.get();
    }

    @Override
    public Instant instant() {
      return Instant.ofEpochMilli(millis());
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }
}
