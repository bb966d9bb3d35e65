package sdp.kinesis.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.CloseableIterator;
import org.apache.flink.util.Collector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import sdp.kinesis.stream.KinesisRecord;
import sdp.kinesis.stream.KinesisServer;
import sdp.kinesis.stream.StreamOpener;

/** The source in a job, against a stream whose shards are split and merged. */
@Timeout(900)
class KinesisSourceJobTest {
  private static final StartPosition OLDEST = new StartPosition(StartPosition.Kind.TRIM_HORIZON, 0);
  private static final Clock CLOCK = Clock.fixed(Instant.ofEpochMilli(2_000), ZoneOffset.UTC);
  private static final WatermarkStrategy<String> WATERMARKS =
      WatermarkStrategy.forMonotonousTimestamps();
  private static final int KEYS = 20;
  private static final int RECORDS = 3_000;

  /** What was emitted, in this order: "shard number". */
  private static final ConcurrentLinkedQueue<String> EMITTED = new ConcurrentLinkedQueue<>();

  /** What happens when the job has failed once, before it is restarted. */
  private static volatile Runnable afterFailure;

  private KinesisServer server;

  @BeforeEach
  void serve() throws IOException {
    server = KinesisServer.start(2);
    EMITTED.clear();
  }

  @AfterEach
  void end() {
    server.close();
  }

  @Test
  void splitsAndMergesUnderLoadLoseNothingDoubleNothingAndKeepTheOrder() throws Exception {
    Thread load = new Thread(this::load);
    Set<String> numbers = new HashSet<>();
    try (var read = read(source(OLDEST, StopPosition.NONE), 2).executeAndCollect()) {
      load.start();
      for (int n = 0; n < RECORDS; n++) {
        assertTrue(numbers.add(read.next()));
      }
    }
    load.join();
    List<String> shards = server.shardIds();
    assertEquals(7, shards.size());
    shards.forEach(this::assertFollowsItsParents);
    assertEveryKeyIsInOrder();
  }

  @Test
  void aShardThatExpiresWhileItIsReadIsItsEndAndItsChildrenFollow() throws Exception {
    List<String> parents = server.shardIds();
    server.putInto(parents.get(0), "0");
    try (var read = read(source(OLDEST, StopPosition.NONE), 2).executeAndCollect()) {
      assertEquals("0", read.next());
      server.throttled.set(Integer.MAX_VALUE);
      server.putInto(server.split(parents.get(0)).get(0), "1");
      server.expire(parents.get(0));
      server.throttled.set(0);
      assertEquals("1", read.next());
    }
  }

  @Test
  void anErrorInTheThreadThatReadsFailsTheJob() {
    StreamOpener broken =
        () -> {
          throw new NoClassDefFoundError("on purpose");
        };
    var options = new ReadOptions(100, Duration.ofMillis(10), StopPosition.NONE);
    var interval = Duration.ofMillis(50);
    var decoder = new TextDecoder();
    var source = new KinesisSource<>(broken, OLDEST, interval, options, decoder, WATERMARKS, CLOCK);
    assertThrows(Exception.class, () -> all(new TextSource(source)));
  }

  /** Two splits and a merge, and the troubles that a stream has meanwhile. */
  private void load() {
    List<String> first = server.shardIds();
    List<String> children = List.of();
    for (int n = 0; n < RECORDS; n++) {
      switch (n) {
        case 800 -> children = server.split(first.get(0));
        case 1_200 -> server.throttled.set(3);
        case 1_600 -> server.merge(children.get(0), children.get(1));
        case 2_000 -> server.expired.set(2);
        case 2_200 -> server.split(first.get(1));
        default -> {}
      }
      server.put("key-" + n % KEYS, "" + n);
      if (n % 10 == 0) {
        pause();
      }
    }
  }

  private static void pause() {
    try {
      Thread.sleep(2);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void assertFollowsItsParents(String shard) {
    List<String> order = EMITTED.stream().map(e -> e.split(" ")[0]).toList();
    assertTrue(order.contains(shard), shard);
    for (String parent : server.parentsOf(shard)) {
      assertTrue(order.lastIndexOf(parent) < order.indexOf(shard), parent + " before " + shard);
    }
  }

  private static void assertEveryKeyIsInOrder() {
    Map<Integer, Integer> last = new HashMap<>();
    for (String emitted : EMITTED) {
      int number = Integer.parseInt(emitted.split(" ")[1]);
      Integer before = last.put(number % KEYS, number);
      assertTrue(before == null || before < number, before + " before " + number);
    }
  }

  @Test
  void startsWithTheFirstRecordOfATime() throws Exception {
    arriveAtOneTwoAndThreeSeconds();
    var start = new StartPosition(StartPosition.Kind.AT_TIMESTAMP, 2_000);
    assertEquals(List.of("2000", "3000"), all(source(start, StopPosition.LATEST)));
  }

  @Test
  void startsWithWhatArrivesOnceItIsStarted() throws Exception {
    arriveAtOneTwoAndThreeSeconds();
    var start = new StartPosition(StartPosition.Kind.LATEST, 0);
    assertEquals(List.of("2000", "3000"), all(source(start, StopPosition.LATEST)));
  }

  @Test
  void aReaderWithoutAShardHoldsNoTimeUp() throws Exception {
    arriveAtOneTwoAndThreeSeconds();
    DataStream<String> fired =
        read(source(OLDEST, StopPosition.NONE), 4)
            .keyBy(text -> 0)
            .process(new Alarm())
            .returns(Types.STRING);
    try (CloseableIterator<String> read = fired.executeAndCollect()) {
      assertEquals("1000", read.next());
    }
  }

  /** One shard stays quiet after the restart, and the other has one record, older than the rest. */
  @Test
  void afterARestartTheTimeOfEachShardGoesOnBeforeAnyRecord() throws Exception {
    arriveAtOneTwoAndThreeSeconds();
    afterFailure =
        () -> {
          server.clock = () -> 1_500;
          server.putInto("shardId-000000000000", "after");
        };
    DataStream<String> texts = read(source(OLDEST, StopPosition.NONE), 1);
    texts.getExecutionEnvironment().enableCheckpointing(50);
    var times = texts.keyBy(text -> 0).transform("fails once", Types.STRING, new FailsOnceAfter(6));
    try (CloseableIterator<String> read = times.executeAndCollect()) {
      List<String> seen = new ArrayList<>();
      do {
        seen.add(read.next());
      } while (!seen.get(seen.size() - 1).startsWith("after"));
      assertEquals("after at 2999", seen.get(seen.size() - 1));
    }
  }

  private void arriveAtOneTwoAndThreeSeconds() {
    for (long millis = 1_000; millis <= 3_000; millis += 1_000) {
      long now = millis;
      server.clock = () -> now;
      server.putInto("shardId-000000000000", "" + millis);
      server.putInto("shardId-000000000001", "" + millis);
    }
  }

  private static List<String> all(TextSource source) throws Exception {
    List<String> found = new ArrayList<>();
    read(source, 2).executeAndCollect().forEachRemaining(found::add);
    return found.stream().sorted().distinct().toList();
  }

  private static DataStream<String> read(TextSource source, int parallelism) {
    var environment = StreamExecutionEnvironment.getExecutionEnvironment();
    environment.setParallelism(parallelism);
    return environment.fromSource(source, WATERMARKS, "served", Types.STRING);
  }

  private TextSource source(StartPosition start, StopPosition stop) {
    var options = new ReadOptions(100, Duration.ofMillis(10), stop);
    var often = Duration.ofMillis(50);
    return new TextSource(
        new KinesisSource<>(
            server.stream(), start, often, options, new Recorder(), WATERMARKS, CLOCK));
  }

  /** Decodes, and writes down what is emitted when. */
  private static final class Recorder implements RecordDecoder<String> {
    private static final long serialVersionUID = 1L;

    @Override
    public void open(DeserializationSchema.InitializationContext context) {}

    @Override
    public boolean decode(KinesisRecord record, Collector<String> out) {
      String text = new String(record.data(), StandardCharsets.UTF_8);
      EMITTED.add(record.shardId() + " " + text);
      out.collect(text);
      return true;
    }
  }

  /** Emits each record with the watermark before it; fails once its state has this many records. */
  private static final class FailsOnceAfter extends AbstractStreamOperator<String>
      implements OneInputStreamOperator<String, String> {
    private static final long serialVersionUID = 1L;
    private final int records;
    private transient int seen;
    private transient long complete;
    private transient boolean restored;
    private transient long watermark;

    FailsOnceAfter(int records) {
      this.records = records;
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
      super.initializeState(context);
      restored = context.isRestored();
      complete = Long.MAX_VALUE;
      watermark = Long.MIN_VALUE;
    }

    @Override
    public void processElement(StreamRecord<String> record) {
      seen++;
      output.collect(record.replace(record.getValue() + " at " + watermark));
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
      watermark = mark.getTimestamp();
      super.processWatermark(mark);
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
      super.snapshotState(context);
      complete = seen == records ? Math.min(complete, context.getCheckpointId()) : complete;
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) {
      if (!restored && checkpoint >= complete) {
        afterFailure.run();
        throw new IllegalStateException("on purpose");
      }
    }
  }

  /** Emits a record's time when the watermark has passed it. */
  private static final class Alarm extends KeyedProcessFunction<Integer, String, String> {
    private static final long serialVersionUID = 1L;

    @Override
    public void processElement(String text, Context context, Collector<String> out) {
      context.timerService().registerEventTimeTimer(context.timestamp());
    }

    @Override
    public void onTimer(long time, OnTimerContext context, Collector<String> out) {
      out.collect("" + time);
    }
  }
}
