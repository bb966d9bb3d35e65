import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import sdp.shaded.software.amazon.awssdk.core.SdkBytes;
import sdp.shaded.software.amazon.awssdk.core.exception.SdkException;
import sdp.shaded.software.amazon.awssdk.http.apache.ApacheHttpClient;
import sdp.shaded.software.amazon.awssdk.regions.Region;
import sdp.shaded.software.amazon.awssdk.services.kinesis.KinesisClient;
import sdp.shaded.software.amazon.awssdk.services.kinesis.model.GetRecordsResponse;
import sdp.shaded.software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import sdp.shaded.software.amazon.awssdk.services.kinesis.model.PutRecordsResponse;
import sdp.shaded.software.amazon.awssdk.services.kinesis.model.Shard;
import sdp.shaded.software.amazon.awssdk.services.kinesis.model.ShardIteratorType;

/**
 * What a program without Flink does: {@code write STREAM FOLDER} puts the lines of each file of a
 * folder in calls of 500, {@code read STREAM FOLDER} gets all records of each shard, as many as the
 * folder has lines. Two threads, as the connector has two subtasks. STREAM and FOLDER in pairs, one
 * after the other; all but the last are there to warm up. Prints a line of JSON for each.
 */
class Loops {
  private static final int THREADS = 2;
  private static final int CALL = 500;
  private static final int PAGE = 10_000;

  /** A shard serves five reads a second. */
  private static final long PAUSE = 200;

  private final KinesisClient client;
  private final String stream;

  Loops(KinesisClient client, String stream) {
    this.client = client;
    this.stream = stream;
  }

  public static void main(String[] args) throws Exception {
    System.setProperty("aws.cborEnabled", "false"); // as the connector, of a stand-in for Kinesis
    var builder =
        KinesisClient.builder()
            .region(Region.US_EAST_1)
            .httpClientBuilder(ApacheHttpClient.builder())
            .endpointOverride(URI.create(System.getenv("AWS_ENDPOINT_URL")));
    try (KinesisClient client = builder.build()) {
      for (int pair = 1; pair < args.length; pair += 2) {
        new Loops(client, args[pair]).run(args[0].equals("write"), Path.of(args[pair + 1]));
      }
    }
  }

  private void run(boolean isWrite, Path folder) throws Exception {
    long started = System.nanoTime();
    long cpu = cpu();
    long records = isWrite ? write(folder) : read();
    System.out.printf(
        "{\"records\": %d, \"seconds\": %.3f, \"cpu\": %.3f}%n",
        records, (System.nanoTime() - started) / 1e9, (cpu() - cpu) / 1e9);
  }

  private static long cpu() {
    var bean = java.lang.management.ManagementFactory.getOperatingSystemMXBean();
    return ((com.sun.management.OperatingSystemMXBean) bean).getProcessCpuTime();
  }

  private static long sum(List<Callable<Long>> tasks) throws Exception {
    var executor = Executors.newFixedThreadPool(THREADS);
    try {
      long sum = 0;
      for (Future<Long> done : executor.invokeAll(tasks)) {
        sum += done.get();
      }
      return sum;
    } finally {
      executor.shutdownNow();
    }
  }

  // --- PutRecords -------------------------------------------------------------------------------

  private long write(Path folder) throws Exception {
    List<Callable<Long>> tasks = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      files.forEach(file -> tasks.add(() -> writeFile(file)));
    }
    return sum(tasks);
  }

  private long writeFile(Path file) throws Exception {
    long records = 0;
    List<PutRecordsRequestEntry> call = new ArrayList<>(CALL);
    try (Stream<String> lines = Files.lines(file)) {
      for (String line : (Iterable<String>) lines::iterator) {
        call.add(entry(line, file + ":" + records++));
        if (call.size() == CALL) {
          put(call);
        }
      }
    }
    put(call);
    return records;
  }

  private static PutRecordsRequestEntry entry(String line, String key) {
    byte[] data = line.getBytes(StandardCharsets.UTF_8);
    return PutRecordsRequestEntry.builder()
        .partitionKey(Integer.toString(key.hashCode()))
        .data(SdkBytes.fromByteArrayUnsafe(data))
        .build();
  }

  private void put(List<PutRecordsRequestEntry> call) {
    while (!call.isEmpty()) {
      List<PutRecordsRequestEntry> sent = List.copyOf(call);
      PutRecordsResponse response = client.putRecords(r -> r.streamName(stream).records(sent));
      call.clear();
      for (int i = 0; i < sent.size(); i++) {
        if (response.records().get(i).errorCode() != null) {
          call.add(sent.get(i));
        }
      }
    }
  }

  // --- GetRecords -------------------------------------------------------------------------------

  private long read() throws Exception {
    List<Callable<Long>> tasks = new ArrayList<>();
    for (Shard shard : client.listShards(r -> r.streamName(stream)).shards()) {
      tasks.add(() -> readShard(shard.shardId()));
    }
    return sum(tasks);
  }

  private long readShard(String shard) throws InterruptedException {
    long records = 0;
    String iterator =
        client
            .getShardIterator(
                r ->
                    r.streamName(stream)
                        .shardId(shard)
                        .shardIteratorType(ShardIteratorType.TRIM_HORIZON))
            .shardIterator();
    while (true) {
      GetRecordsResponse page = page(iterator);
      records += page.records().size();
      iterator = page.nextShardIterator();
      if (iterator == null || page.millisBehindLatest() == 0) {
        return records;
      }
    }
  }

  private GetRecordsResponse page(String iterator) throws InterruptedException {
    while (true) {
      try {
        return client.getRecords(r -> r.shardIterator(iterator).limit(PAGE));
      } catch (SdkException e) {
        Thread.sleep(PAUSE); // too many reads of the shard
      }
    }
  }
}
