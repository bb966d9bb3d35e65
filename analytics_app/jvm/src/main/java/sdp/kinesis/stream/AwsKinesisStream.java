package sdp.kinesis.stream;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.SdkSystemSetting;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.ExpiredIteratorException;
import software.amazon.awssdk.services.kinesis.model.GetRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.GetShardIteratorRequest;
import software.amazon.awssdk.services.kinesis.model.KmsThrottlingException;
import software.amazon.awssdk.services.kinesis.model.LimitExceededException;
import software.amazon.awssdk.services.kinesis.model.ListShardsRequest;
import software.amazon.awssdk.services.kinesis.model.ListShardsResponse;
import software.amazon.awssdk.services.kinesis.model.ProvisionedThroughputExceededException;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.PutRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.Record;
import software.amazon.awssdk.services.kinesis.model.ResourceInUseException;
import software.amazon.awssdk.services.kinesis.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;

/** A stream of Amazon Kinesis, through the synchronous client of the AWS SDK. */
public final class AwsKinesisStream implements KinesisStream {
  private static final Duration ATTEMPT_TIMEOUT = Duration.ofSeconds(20);
  private static final int MAX_CONNECTIONS = 100;

  private final KinesisClient client;
  private final String arn;

  private AwsKinesisStream(KinesisClient client, String arn) {
    this.client = client;
    this.arn = arn;
  }

  /** Connects with the default credentials chain. */
  public static AwsKinesisStream open(StreamAddress address) {
    var builder =
        KinesisClient.builder()
            .region(Region.of(address.region()))
            .overrideConfiguration(c -> c.apiCallAttemptTimeout(ATTEMPT_TIMEOUT))
            .httpClientBuilder(ApacheHttpClient.builder().maxConnections(MAX_CONNECTIONS));
    String endpoint = endpoint(address);
    if (endpoint != null) {
      // Stand-ins for Kinesis get times wrong in CBOR; in JSON they are seconds for everybody.
      System.setProperty(SdkSystemSetting.CBOR_ENABLED.property(), "false");
      builder.endpointOverride(URI.create(endpoint));
    }
    return new AwsKinesisStream(builder.build(), address.arn());
  }

  private static String endpoint(StreamAddress address) {
    return address.endpoint() != null ? address.endpoint() : System.getenv("AWS_ENDPOINT_URL");
  }

  @Override
  public String name() {
    return arn.substring(arn.lastIndexOf('/') + 1);
  }

  @Override
  public List<Shard> shards() {
    List<Shard> shards = new ArrayList<>();
    ListShardsRequest request = ListShardsRequest.builder().streamARN(arn).build();
    while (request != null) {
      ListShardsResponse page = listShards(request);
      page.shards().forEach(s -> shards.add(toShard(s)));
      String token = page.nextToken();
      request = token == null ? null : ListShardsRequest.builder().nextToken(token).build();
    }
    return shards;
  }

  private ListShardsResponse listShards(ListShardsRequest request) {
    return call(() -> client.listShards(request));
  }

  private static Shard toShard(software.amazon.awssdk.services.kinesis.model.Shard shard) {
    Stream<String> parents = Stream.of(shard.parentShardId(), shard.adjacentParentShardId());
    return new Shard(shard.shardId(), parents.filter(p -> p != null && !p.isEmpty()).toList());
  }

  @Override
  public String iterator(String shardId, Position position) {
    var request = GetShardIteratorRequest.builder().streamARN(arn).shardId(shardId);
    switch (position.kind()) {
      case TRIM_HORIZON -> request.shardIteratorType(ShardIteratorType.TRIM_HORIZON);
      case AT_TIMESTAMP ->
          request
              .shardIteratorType(ShardIteratorType.AT_TIMESTAMP)
              .timestamp(Instant.ofEpochMilli(Long.parseLong(position.value())));
      case AFTER_SEQUENCE_NUMBER ->
          request
              .shardIteratorType(ShardIteratorType.AFTER_SEQUENCE_NUMBER)
              .startingSequenceNumber(position.value());
      case END -> throw new IllegalArgumentException("There is no iterator at a shard's end");
    }
    return ofShard(shardId, () -> client.getShardIterator(request.build())).shardIterator();
  }

  @Override
  public Page read(String shardId, String iterator, int limit) {
    GetRecordsResponse response =
        ofShard(
            shardId,
            () -> client.getRecords(r -> r.streamARN(arn).shardIterator(iterator).limit(limit)));
    List<KinesisRecord> records =
        response.records().stream().map(r -> toRecord(shardId, r)).toList();
    Long behind = response.millisBehindLatest();
    return new Page(records, response.nextShardIterator(), behind == null ? 0 : behind);
  }

  private static KinesisRecord toRecord(String shardId, Record record) {
    return new KinesisRecord(
        shardId,
        record.sequenceNumber(),
        record.partitionKey(),
        record.approximateArrivalTimestamp().toEpochMilli(),
        record.data().asByteArrayUnsafe());
  }

  @Override
  public List<PutEntry> put(List<PutEntry> entries) {
    List<PutRecordsRequestEntry> records = entries.stream().map(AwsKinesisStream::toAws).toList();
    PutRecordsResponse response =
        call(() -> client.putRecords(r -> r.streamARN(arn).records(records)));
    // The results are in the order of the entries; an accepted one has no error code.
    return IntStream.range(0, entries.size())
        .filter(i -> response.records().get(i).errorCode() != null)
        .mapToObj(entries::get)
        .toList();
  }

  private static PutRecordsRequestEntry toAws(PutEntry entry) {
    return PutRecordsRequestEntry.builder()
        .partitionKey(entry.partitionKey())
        .data(SdkBytes.fromByteArrayUnsafe(entry.data()))
        .build();
  }

  /**
   * A call about one shard. Kinesis reports a shard that has expired in the same way as a stream
   * that does not exist: the list of shards tells which it is.
   */
  private <T> T ofShard(String shardId, Supplier<T> request) {
    try {
      return call(request);
    } catch (ResourceNotFoundException e) {
      if (shards().stream().anyMatch(s -> s.id().equals(shardId))) {
        throw new TransientStreamException("Shard " + shardId + " is listed and not found", e);
      }
      throw new ExpiredShardException(e.getMessage(), e);
    }
  }

  private static <T> T call(Supplier<T> request) {
    try {
      return request.get();
    } catch (ExpiredIteratorException e) {
      throw new ExpiredPositionException(e.getMessage(), e);
    } catch (AwsServiceException e) {
      throw isThrottling(e)
          ? new ThrottledException(e.getMessage(), e)
          : isTransient(e) ? new TransientStreamException(e.getMessage(), e) : e;
    } catch (SdkClientException e) {
      throw new TransientStreamException(e.getMessage(), e);
    }
  }

  private static boolean isThrottling(AwsServiceException e) {
    return e.isThrottlingException()
        || e instanceof ProvisionedThroughputExceededException
        || e instanceof LimitExceededException
        || e instanceof KmsThrottlingException;
  }

  private static boolean isTransient(AwsServiceException e) {
    return e.statusCode() >= 500 || e instanceof ResourceInUseException;
  }

  @Override
  public void close() {
    client.close();
  }
}
