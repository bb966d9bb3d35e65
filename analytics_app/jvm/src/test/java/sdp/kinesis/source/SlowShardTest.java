package sdp.kinesis.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import sdp.kinesis.stream.KinesisServer;

/**
 * Four shards that are read at very different speeds: while three have been read to their end, the
 * fourth is ten minutes of event time behind. Nothing is late that is not late by the order of its
 * own shard.
 */
@Timeout(900)
class SlowShardTest {
  private static final int[] PAGES = {500, 100, 30, 4};
  private static final int RECORDS = 600;
  private static final long STEP = 2_000;
  private static final long DELAY = 5_000;
  private static final long TEN_MINUTES = 600_000;

  private static final WatermarkStrategy<String> WATERMARKS =
      WatermarkStrategy.<String>forBoundedOutOfOrderness(Duration.ofMillis(DELAY))
          .withTimestampAssigner((text, arrival) -> timeOf(text));

  private final Set<String> lateInTheirShard = new HashSet<>();
  private KinesisServer server;

  @BeforeEach
  void fill() throws IOException {
    server = KinesisServer.start(PAGES.length);
    for (int n = 0; n < PAGES.length; n++) {
      String shard = server.shardIds().get(n);
      server.pages.put(shard, PAGES[n]);
      fill(shard, new Random(n));
    }
  }

  @AfterEach
  void end() {
    server.close();
  }

  /** Every record is up to six seconds out of order, and each hundredth a minute late. */
  private void fill(String shard, Random random) {
    long greatest = Long.MIN_VALUE;
    for (int n = 0; n < RECORDS; n++) {
      long time = 100_000 + n * STEP - random.nextInt(6_000) - (n % 100 == 99 ? 60_000 : 0);
      String text = shard + " " + n + " " + time;
      if (greatest != Long.MIN_VALUE && time <= greatest - DELAY - 1) {
        lateInTheirShard.add(text);
      }
      greatest = Math.max(greatest, time);
      server.putInto(shard, text);
    }
  }

  @Test
  void nothingIsLateThatIsNotLateInItsOwnShard() throws Exception {
    List<String> seen = all(read(WATERMARKS, 2));
    assertEquals(PAGES.length * RECORDS, seen.size());
    assertTrue(largestGap(seen) >= TEN_MINUTES, "the shards were read too evenly");
    Set<String> late = late(seen);
    late.removeAll(lateInTheirShard);
    assertEquals(Set.of(), late);
  }

  /** The case is a hard one: with one watermark over what is read, most of a shard is late. */
  @Test
  void withOneWatermarkForAllShardsTheSlowOneWouldBeLate() throws Exception {
    DataStream<String> merged = read(WatermarkStrategy.noWatermarks(), 1);
    Set<String> late = late(all(merged.assignTimestampsAndWatermarks(WATERMARKS)));
    late.removeAll(lateInTheirShard);
    assertTrue(late.size() >= RECORDS / 2, late.size() + " are late");
  }

  private DataStream<String> read(WatermarkStrategy<String> watermarks, int parallelism) {
    var environment = StreamExecutionEnvironment.getExecutionEnvironment();
    environment.getConfig().setAutoWatermarkInterval(5);
    environment.setParallelism(parallelism);
    var oldest = new StartPosition(StartPosition.Kind.TRIM_HORIZON, 0);
    var options = new ReadOptions(1_000, Duration.ofMillis(10), StopPosition.LATEST);
    var often = Duration.ofMillis(50);
    var clock = Clock.systemUTC();
    var source =
        new KinesisSource<>(
            server.stream(), oldest, often, options, new TextDecoder(), watermarks, clock);
    return environment.fromSource(new TextSource(source), watermarks, "served", Types.STRING);
  }

  /**
   * What an operator behind all readers sees, in its order: each record, and whether it is late.
   */
  private static List<String> all(DataStream<String> texts) throws Exception {
    List<String> seen = new ArrayList<>();
    DataStream<String> judged = texts.process(new Judge()).returns(Types.STRING).setParallelism(1);
    judged.executeAndCollect().forEachRemaining(seen::add);
    return seen;
  }

  private static Set<String> late(List<String> seen) {
    Set<String> late = new HashSet<>();
    seen.stream()
        .filter(text -> text.endsWith(Judge.LATE))
        .forEach(text -> late.add(text.substring(0, text.length() - Judge.LATE.length())));
    return late;
  }

  /** The most that any shard was behind another, once each has begun, in event time. */
  private static long largestGap(List<String> seen) {
    Map<String, Long> greatest = new HashMap<>();
    long largest = 0;
    for (String text : seen) {
      greatest.merge(text.split(" ")[0], timeOf(text), Math::max);
      if (greatest.size() == PAGES.length) {
        var times = greatest.values().stream().mapToLong(Long::longValue).summaryStatistics();
        largest = Math.max(largest, times.getMax() - times.getMin());
      }
    }
    return largest;
  }

  private static long timeOf(String text) {
    return Long.parseLong(text.split(" ")[2]);
  }

  /** Emits each record, with a mark if the watermark has passed it. */
  private static final class Judge extends ProcessFunction<String, String> {
    private static final long serialVersionUID = 1L;
    static final String LATE = " late";

    @Override
    public void processElement(String text, Context context, Collector<String> out) {
      boolean late = context.timestamp() <= context.timerService().currentWatermark();
      out.collect(late ? text + LATE : text);
    }
  }
}
