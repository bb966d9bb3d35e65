package sdp.kinesis.source;

import java.net.URL;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
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
import sdp.kinesis.stream.KinesisServer;

/** Flink's own tests of a source: splits, savepoints, rescaling, metrics, failures, idleness. */
class KinesisSourceSuiteTest extends SourceTestSuiteBase<String> {
  @TestEnv MiniClusterTestEnvironment environment = new MiniClusterTestEnvironment();

  @TestSemantics CheckpointingMode[] semantics = {CheckpointingMode.EXACTLY_ONCE};

  @TestContext ExternalContextFactory<Context> context = name -> new Context();

  /** A stream of its own for each test; a split of the suite is a shard. */
  static final class Context implements DataStreamSourceExternalContext<String> {
    private final KinesisServer server;

    Context() {
      try {
        server = KinesisServer.start(0);
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
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
      List<String> records = new ArrayList<>();
      for (int n = 50 + new Random(seed).nextInt(50); n > 0; n--) {
        records.add(split + "-" + seed + "-" + n);
      }
      return records;
    }

    @Override
    public TypeInformation<String> getProducedType() {
      return Types.STRING;
    }

    @Override
    public List<URL> getConnectorJarPaths() {
      return List.of();
    }

    @Override
    public void close() {
      server.close();
    }
  }
}
