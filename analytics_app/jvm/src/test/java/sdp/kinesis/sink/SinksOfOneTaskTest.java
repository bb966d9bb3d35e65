package sdp.kinesis.sink;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import sdp.kinesis.stream.KinesisStream;
import sdp.kinesis.stream.Page;
import sdp.kinesis.stream.Position;
import sdp.kinesis.stream.PutEntry;
import sdp.kinesis.stream.Shard;
import sdp.kinesis.stream.StreamOpener;

/**
 * Two sinks behind one operator are in one task. While one of them waits for its requests, before a
 * checkpoint, the other's timer sends: what is then on its way is in no buffer.
 */
@Timeout(120)
class SinksOfOneTaskTest {
  private static final Set<String> WRITTEN = ConcurrentHashMap.newKeySet();
  private static final CountDownLatch ON_ITS_WAY = new CountDownLatch(1);
  private static final CountDownLatch NEVER = new CountDownLatch(1);
  private static final CountDownLatch RESTARTED = new CountDownLatch(1);
  private static final int MANY = 1_000;
  private static volatile boolean crashed;
  private static volatile String lost;

  @Test
  void whatIsOnItsWayIsWrittenAfterACrash() throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(50));
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(1));
    var environment = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    environment.setParallelism(1);
    var numbers =
        new DataGeneratorSource<>(
            String::valueOf, Long.MAX_VALUE, RateLimiterStrategy.perCheckpoint(1), Types.STRING);
    var rows =
        environment
            .fromSource(numbers, WatermarkStrategy.noWatermarks(), "numbers")
            .map(new Crashing())
            .returns(Types.STRING);
    rows.sinkTo(sink(() -> new Fake(SinksOfOneTaskTest::answeredLate), 1));
    rows.sinkTo(sink(() -> new Fake(SinksOfOneTaskTest::neverAnswered), 300));
    var job = environment.executeAsync();
    assertTrue(RESTARTED.await(60, TimeUnit.SECONDS), "the job did not restart");
    for (int tries = 0; tries < MANY && !WRITTEN.contains(lost); tries++) {
      Thread.sleep(10);
    }
    job.cancel().get();
    assertTrue(WRITTEN.contains(lost), lost + " is not in " + WRITTEN);
  }

  private static KinesisSink<String> sink(StreamOpener stream, long wait) {
    return new KinesisSink<>(
        stream,
        (text, writer) -> new PutEntry(text, text.getBytes(StandardCharsets.UTF_8)),
        new WriteOptions(10, 1 << 20, 4, 100, wait));
  }

  /** The first request has no answer until the job has crashed. */
  private static void neverAnswered(List<PutEntry> entries) throws InterruptedException {
    if (!crashed) {
      lost = entries.get(0).partitionKey();
      ON_ITS_WAY.countDown();
      NEVER.await();
    }
    entries.forEach(entry -> WRITTEN.add(entry.partitionKey()));
  }

  private static void answeredLate(List<PutEntry> entries) throws InterruptedException {
    ON_ITS_WAY.await(10, TimeUnit.SECONDS);
  }

  /** Ends the job after the first checkpoint during which a request was on its way. */
  private static final class Crashing implements MapFunction<String, String>, CheckpointListener {
    private static final long serialVersionUID = 1L;

    @Override
    public String map(String row) {
      if (crashed) {
        RESTARTED.countDown();
      }
      return row;
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) {
      if (ON_ITS_WAY.getCount() == 0 && !crashed) {
        crashed = true;
        throw new IllegalStateException("on purpose");
      }
    }
  }

  private interface Put {
    void accept(List<PutEntry> entries) throws InterruptedException;
  }

  private record Fake(Put put) implements KinesisStream {
    @Override
    public String name() {
      return "written";
    }

    @Override
    public List<Shard> shards() {
      return List.of();
    }

    @Override
    public String iterator(String shardId, Position position) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Page read(String shardId, String iterator, int limit) {
      throw new UnsupportedOperationException();
    }

    @Override
    public List<PutEntry> put(List<PutEntry> entries) {
      try {
        put.accept(entries);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return List.of();
    }

    @Override
    public void close() {}
  }
}
