package sdp.kinesis.stream;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/**
 * One stream of Kinesis behind Kinesis' own protocol, with what stand-ins lack: shards that are
 * split and merged while they are written, closed shards that end, throttling, and records of a
 * batch that are refused, shards that expire.
 */
public final class KinesisServer implements AutoCloseable {
  private static final String ARN = "arn:aws:kinesis:eu-west-1:000000000000:stream/served";
  private static final BigInteger HASHES = BigInteger.ONE.shiftLeft(128);
  private static final ObjectMapper JSON = new ObjectMapper();

  /** How many of the next requests for data are throttled. */
  public final AtomicInteger throttled = new AtomicInteger();

  /** How many of the next records that are put are refused, each in a batch that is answered. */
  public final AtomicInteger refused = new AtomicInteger();

  /** How many of the next reads find their iterator expired. */
  public final AtomicInteger expired = new AtomicInteger();

  /** How many records one read of a shard returns at most, by the shard's id. */
  public final Map<String, Integer> pages = new ConcurrentHashMap<>();

  /** Whether the stream has been deleted. */
  public volatile boolean deleted;

  /** When a record arrives, epoch milliseconds. */
  public volatile LongSupplier clock = System::currentTimeMillis;

  private final HttpServer http;
  private final Map<String, Served> shards = new LinkedHashMap<>();
  private long sequence;
  private int created;

  private record Stored(String sequence, String key, long arrival, byte[] data) {}

  private static final class Served {
    private final String id;
    private final List<String> parents;
    private final BigInteger from;
    private final BigInteger to;
    private final List<Stored> records = new ArrayList<>();
    private boolean closed;

    private Served(String id, List<String> parents, BigInteger from, BigInteger to) {
      this.id = id;
      this.parents = parents;
      this.from = from;
      this.to = to;
    }

    private boolean takes(BigInteger hash) {
      return !closed && from.compareTo(hash) <= 0 && hash.compareTo(to) < 0;
    }
  }

  private KinesisServer(HttpServer http) {
    this.http = http;
  }

  /** A stream with this many shards, which may be none. */
  public static KinesisServer start(int shards) throws IOException {
    System.setProperty("aws.accessKeyId", "test");
    System.setProperty("aws.secretAccessKey", "test");
    var local = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    KinesisServer server = new KinesisServer(HttpServer.create(local, 0));
    BigInteger width = HASHES.divide(BigInteger.valueOf(Math.max(1, shards)));
    for (int n = 0; n < shards; n++) {
      BigInteger from = width.multiply(BigInteger.valueOf(n));
      server.add(List.of(), from, n == shards - 1 ? HASHES : from.add(width));
    }
    server.http.createContext("/", server::handle);
    server.http.setExecutor(Executors.newCachedThreadPool());
    server.http.start();
    return server;
  }

  /** Where it answers. */
  public StreamAddress address() {
    String url = "http://127.0.0.1:" + http.getAddress().getPort();
    return new StreamAddress(ARN, "eu-west-1", url);
  }

  /** The stream, as the connector opens it. */
  public StreamOpener stream() {
    StreamAddress address = address();
    return () -> AwsKinesisStream.open(address);
  }

  /** Another shard, which takes only what is put into it by its id. */
  public synchronized String addShard() {
    return add(List.of(), HASHES, HASHES).id;
  }

  private Served add(List<String> parents, BigInteger from, BigInteger to) {
    Served shard = new Served(String.format("shardId-%012d", created++), parents, from, to);
    shards.put(shard.id, shard);
    return shard;
  }

  /** The ids of the shards, closed ones too. */
  public synchronized List<String> shardIds() {
    return List.copyOf(shards.keySet());
  }

  /** The shards that a shard came from. */
  public synchronized List<String> parentsOf(String shardId) {
    return shards.get(shardId).parents;
  }

  /** Puts a record where its key belongs. */
  public synchronized void put(String key, String data) {
    store(shardOf(key), key, data.getBytes(StandardCharsets.UTF_8));
  }

  /** Puts a record into this shard. */
  public synchronized void putInto(String shardId, String data) {
    store(shards.get(shardId), "key", data.getBytes(StandardCharsets.UTF_8));
  }

  private Stored store(Served shard, String key, byte[] data) {
    Stored record = new Stored(String.format("%056d", ++sequence), key, clock.getAsLong(), data);
    shard.records.add(record);
    return record;
  }

  private Served shardOf(String key) {
    BigInteger hash = hash(key);
    return shards.values().stream().filter(s -> s.takes(hash)).findFirst().orElseThrow();
  }

  private static BigInteger hash(String key) {
    try {
      MessageDigest md5 = MessageDigest.getInstance("MD5");
      return new BigInteger(1, md5.digest(key.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Closes a shard; two others take its keys. */
  public synchronized List<String> split(String shardId) {
    Served parent = close(shardId);
    BigInteger middle = parent.from.add(parent.to).shiftRight(1);
    List<String> parents = List.of(shardId);
    return List.of(add(parents, parent.from, middle).id, add(parents, middle, parent.to).id);
  }

  /** Closes two neighbours; one other takes their keys. */
  public synchronized String merge(String shardId, String neighbour) {
    Served left = close(shardId);
    Served right = close(neighbour);
    return add(List.of(shardId, neighbour), left.from.min(right.from), left.to.max(right.to)).id;
  }

  /** A closed shard of which all records have expired: it is listed and read no more. */
  public synchronized void expire(String shardId) {
    shards.remove(shardId);
  }

  private Served close(String shardId) {
    Served shard = shards.get(shardId);
    shard.closed = true;
    return shard;
  }

  /** All records of all shards, in the order of their arrival. */
  public synchronized List<String> stored() {
    return shards.values().stream()
        .flatMap(s -> s.records.stream())
        .sorted(Comparator.comparing(Stored::sequence))
        .map(r -> new String(r.data, StandardCharsets.UTF_8))
        .toList();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      JsonNode request = JSON.readTree(exchange.getRequestBody().readAllBytes());
      String operation = exchange.getRequestHeaders().getFirst("X-Amz-Target");
      Object answer = answer(operation.substring(operation.indexOf('.') + 1), request);
      int status = answer instanceof Map<?, ?> fields && fields.containsKey("__type") ? 400 : 200;
      byte[] body = JSON.writeValueAsBytes(answer);
      exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.1");
      exchange.sendResponseHeaders(status, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private synchronized Object answer(String operation, JsonNode request) throws IOException {
    if (deleted) {
      return error("ResourceNotFoundException");
    }
    return switch (operation) {
      case "ListShards" -> Map.of("Shards", shards.values().stream().map(this::listed).toList());
      case "GetShardIterator" -> iterator(request);
      case "GetRecords" -> records(request);
      case "PutRecords" -> putAll(request);
      default -> error("UnknownOperationException");
    };
  }

  private static Map<String, Object> error(String type) {
    return Map.of("__type", type, "message", "on purpose");
  }

  private Map<String, Object> listed(Served shard) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("ShardId", shard.id);
    Iterator<String> parents = shard.parents.iterator();
    for (String name : List.of("ParentShardId", "AdjacentParentShardId")) {
      if (parents.hasNext()) {
        fields.put(name, parents.next());
      }
    }
    String to = shard.to.subtract(BigInteger.ONE).toString();
    fields.put("HashKeyRange", Map.of("StartingHashKey", "" + shard.from, "EndingHashKey", to));
    fields.put("SequenceNumberRange", Map.of("StartingSequenceNumber", "0"));
    return fields;
  }

  private Map<String, Object> iterator(JsonNode request) {
    Served shard = shards.get(request.get("ShardId").asText());
    if (shard == null) {
      return error("ResourceNotFoundException");
    }
    long index =
        switch (request.get("ShardIteratorType").asText()) {
          case "TRIM_HORIZON" -> 0;
          case "AFTER_SEQUENCE_NUMBER" -> {
            String after = request.get("StartingSequenceNumber").asText();
            yield shard.records.stream().filter(r -> r.sequence.compareTo(after) <= 0).count();
          }
          case "AT_TIMESTAMP" -> {
            BigDecimal seconds = request.get("Timestamp").decimalValue();
            long millis = seconds.movePointRight(3).longValue();
            yield shard.records.stream().filter(r -> r.arrival < millis).count();
          }
          default -> throw new IllegalArgumentException(request.toString());
        };
    return Map.of("ShardIterator", shard.id + ":" + index);
  }

  private Map<String, Object> records(JsonNode request) {
    if (took(throttled)) {
      return error("ProvisionedThroughputExceededException");
    }
    if (took(expired)) {
      return error("ExpiredIteratorException");
    }
    String[] place = request.get("ShardIterator").asText().split(":");
    Served shard = shards.get(place[0]);
    if (shard == null) {
      return error("ResourceNotFoundException");
    }
    int from = Integer.parseInt(place[1]);
    int limit = Math.min(request.get("Limit").asInt(), pages.getOrDefault(shard.id, 10_000));
    int to = Math.min(shard.records.size(), from + limit);
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("Records", shard.records.subList(from, to).stream().map(this::read).toList());
    fields.put("MillisBehindLatest", to < shard.records.size() ? 1 : 0);
    if (!shard.closed || to < shard.records.size()) {
      fields.put("NextShardIterator", shard.id + ":" + to);
    }
    return fields;
  }

  private static boolean took(AtomicInteger left) {
    return left.getAndUpdate(n -> Math.max(0, n - 1)) > 0;
  }

  private Map<String, Object> read(Stored record) {
    return Map.of(
        "SequenceNumber",
        record.sequence,
        "PartitionKey",
        record.key,
        "ApproximateArrivalTimestamp",
        BigDecimal.valueOf(record.arrival, 3),
        "Data",
        Base64.getEncoder().encodeToString(record.data));
  }

  private Map<String, Object> putAll(JsonNode request) throws IOException {
    if (took(throttled)) {
      return error("ProvisionedThroughputExceededException");
    }
    List<Map<String, String>> results = new ArrayList<>();
    int failed = 0;
    for (JsonNode entry : request.get("Records")) {
      if (took(refused)) {
        failed++;
        results.add(Map.of("ErrorCode", "ProvisionedThroughputExceededException"));
        continue;
      }
      String key = entry.get("PartitionKey").asText();
      Served shard = shardOf(key);
      Stored record = store(shard, key, entry.get("Data").binaryValue());
      results.add(Map.of("ShardId", shard.id, "SequenceNumber", record.sequence));
    }
    return Map.of("FailedRecordCount", failed, "Records", results);
  }

  @Override
  public void close() {
    http.stop(0);
  }
}
