package sdp.kinesis.source;

import java.time.Clock;
import java.time.Duration;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.connector.testframe.environment.MiniClusterTestEnvironment;
import org.apache.flink.connector.testframe.external.ExternalContextFactory;
import org.apache.flink.connector.testframe.external.ExternalSystemSplitDataWriter;
import org.apache.flink.connector.testframe.external.source.DataStreamSourceExternalContext;
import org.apache.flink.connector.testframe.external.source.TestingSourceSettings;
import org.apache.flink.connector.testframe.junit.annotations.TestContext;
import org.apache.flink.connector.testframe.junit.annotations.TestEnv;
import org.apache.flink.connector.testframe.junit.annotations.TestSemantics;
import org.apache.flink.connector.testframe.testsuites.SourceTestSuiteBase;
import org.apache.flink.core.execution.CheckpointingMode;
import sdp.kinesis.stream.SuiteContext;

/** Flink's own tests of a source: splits, savepoints, rescaling, metrics, failures, idleness. */
class KinesisSourceSuiteTest extends SourceTestSuiteBase<String> {
  @TestEnv MiniClusterTestEnvironment environment = new MiniClusterTestEnvironment();

  @TestSemantics CheckpointingMode[] semantics = {CheckpointingMode.EXACTLY_ONCE};

  @TestContext ExternalContextFactory<Context> context = name -> new Context();

  /** A stream of its own for each test; a split of the suite is a shard. */
  static final class Context extends SuiteContext
      implements DataStreamSourceExternalContext<String> {
    Context() {
      super(0);
    }

    @Override
    public Source<String, ?, ?> createSource(TestingSourceSettings settings) {
      boolean bounded = settings.getBoundedness() == Boundedness.BOUNDED;
      StopPosition stop = bounded ? StopPosition.LATEST : StopPosition.NONE;
      return new TextSource(
          new KinesisSource<>(
              server.stream(),
              new StartPosition(StartPosition.Kind.TRIM_HORIZON, 0),
              Duration.ofMillis(100),
              new ReadOptions(100, Duration.ofMillis(10), stop),
              new TextDecoder(),
              WatermarkStrategy.noWatermarks(),
              Clock.systemUTC()));
    }

    @Override
    public ExternalSystemSplitDataWriter<String> createSourceSplitDataWriter(
        TestingSourceSettings settings) {
      String shard = server.addShard();
      return new ExternalSystemSplitDataWriter<>() {
        @Override
        public void writeRecords(List<String> records) {
          records.forEach(r -> server.putInto(shard, r));
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public List<String> generateTestData(TestingSourceSettings settings, int split, long seed) {
      return records(split + "-", seed);
    }
  }
}
