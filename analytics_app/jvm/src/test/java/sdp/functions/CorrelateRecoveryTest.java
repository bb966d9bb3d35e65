package sdp.functions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** CORRELATE on two subtasks of a cluster that fails twice: every outcome is there once. */
class CorrelateRecoveryTest {
  private static final int KEYS = 4_000;
  private static final List<String> STAGES = List.of("bid", "imp", "click");
  private static final TypeInformation<Row> TYPE =
      Types.ROW_NAMED(
          new String[] {"type", "tx_id", "occurred_at"}, Types.STRING, Types.STRING, Types.INSTANT);

  @Test
  void restoresWithNothingLostAndNothingTwice(@TempDir Path checkpoints) throws Exception {
    FailsAfterCheckpoints.LEFT.set(2);
    Map<String, Integer> counts = new TreeMap<>();
    try (CloseableIterator<Row> rows = run(checkpoints)) {
      rows.forEachRemaining(row -> counts.merge(row.toString(), 1, Integer::sum));
    }
    assertTrue(FailsAfterCheckpoints.LEFT.get() <= 0, "the job has not failed");
    assertEquals(
        Map.of(
            "+I[bid, matched]", KEYS,
            "+I[imp, matched]", KEYS,
            "+I[imp, duplicate]", KEYS,
            "+I[click, unmatched]", KEYS,
            "+I[bid, closed]", KEYS),
        counts);
  }

  private static CloseableIterator<Row> run(Path checkpoints) {
    Configuration configuration = new Configuration();
    configuration.setString("execution.checkpointing.interval", "150 ms");
    configuration.setString("execution.checkpointing.dir", checkpoints.toUri().toString());
    configuration.setString("restart-strategy.type", "fixed-delay");
    configuration.setString("restart-strategy.fixed-delay.attempts", "5");
    configuration.setString("restart-strategy.fixed-delay.delay", "0 ms");
    var streams = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    streams.setParallelism(2);
    StreamTableEnvironment tables = StreamTableEnvironment.create(streams);
    var source =
        new DataGeneratorSource<>(
            new Events(), KEYS * 4L, RateLimiterStrategy.perSecond(KEYS * 2), TYPE);
    var events =
        streams
            .fromSource(source, WatermarkStrategy.noWatermarks(), "events")
            .map(new FailsAfterCheckpoints())
            .returns(TYPE);
    tables.createTemporaryView("decoded", tables.fromDataStream(events, schema()));
    tables.executeSql("CREATE TEMPORARY FUNCTION CORRELATE AS 'sdp.functions.Correlate'");
    tables.executeSql("CREATE TEMPORARY FUNCTION SLICE AS 'sdp.functions.Slice'");
    tables.executeSql(
        "CREATE TEMPORARY VIEW sliced AS SELECT *, SLICE(tx_id) AS slice FROM decoded");
    return tables
        .executeSql(
            "SELECT `type`, outcome FROM CORRELATE(input => TABLE sliced PARTITION BY slice, key_column => 'tx_id',"
                + " stage_column => 'type', stages => 'bid,imp,click', own => '',"
                + " window_ms => CAST(2000 AS BIGINT), lateness_ms => CAST(60000 AS BIGINT),"
                + " on_time => DESCRIPTOR(occurred_at), uid => 'correlate')")
        .collect();
  }

  private static Schema schema() {
    return Schema.newBuilder()
        .column("type", DataTypes.STRING())
        .column("tx_id", DataTypes.STRING())
        .column("occurred_at", DataTypes.TIMESTAMP_LTZ(3))
        .watermark("occurred_at", "occurred_at - INTERVAL '5' SECOND")
        .build();
  }

  /** For each key a bid, its impression twice, and a click outside the window; shuffled. */
  private static final class Events implements GeneratorFunction<Long, Row> {
    private static final long serialVersionUID = 1L;
    private transient List<Integer> order;

    @Override
    public Row map(Long index) {
      if (order == null) {
        order = new ArrayList<>();
        for (int i = 0; i < KEYS * 4; i++) {
          order.add(i);
        }
        shuffle(order);
      }
      int event = order.get(index.intValue());
      long start = 50L * (event / 4);
      return switch (event % 4) {
        case 0 -> event(0, event, start + 1000);
        case 3 -> event(2, event, start + 4000);
        default -> event(1, event, start);
      };
    }

    private static Row event(int stage, int event, long time) {
      return Row.of(STAGES.get(stage), "tx" + event / 4, Instant.ofEpochMilli(time));
    }

    /** Within blocks, so that few keys are open at a time and none is late. */
    private static void shuffle(List<Integer> order) {
      Random random = new Random(3);
      for (int block = 0; block < order.size(); block += 400) {
        Collections.shuffle(order.subList(block, Math.min(order.size(), block + 400)), random);
      }
    }
  }

  /** Lets the job fail after a checkpoint is complete, as often as it is told. */
  private static final class FailsAfterCheckpoints extends RichMapFunction<Row, Row>
      implements CheckpointListener {
    private static final long serialVersionUID = 1L;
    static final AtomicInteger LEFT = new AtomicInteger();
    private boolean checkpointed;

    @Override
    public Row map(Row row) {
      if (checkpointed && LEFT.decrementAndGet() >= 0) {
        throw new IllegalStateException("a failure for the test");
      }
      return row;
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) {
      checkpointed = true;
    }
  }
}
