package sdp.kinesis.sink;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.connector.base.sink.writer.ElementConverter;
import org.apache.flink.connector.testframe.environment.MiniClusterTestEnvironment;
import org.apache.flink.connector.testframe.external.ExternalContextFactory;
import org.apache.flink.connector.testframe.external.ExternalSystemDataReader;
import org.apache.flink.connector.testframe.external.sink.DataStreamSinkV2ExternalContext;
import org.apache.flink.connector.testframe.external.sink.TestingSinkSettings;
import org.apache.flink.connector.testframe.junit.annotations.TestContext;
import org.apache.flink.connector.testframe.junit.annotations.TestEnv;
import org.apache.flink.connector.testframe.junit.annotations.TestSemantics;
import org.apache.flink.connector.testframe.testsuites.SinkTestSuiteBase;
import org.apache.flink.core.execution.CheckpointingMode;
import sdp.kinesis.stream.KinesisServer;
import sdp.kinesis.stream.PutEntry;
import sdp.kinesis.stream.SuiteContext;

/** Flink's own tests of a sink: what is written, savepoints, rescaling, metrics. */
class KinesisSinkSuiteTest extends SinkTestSuiteBase<String> {
  @TestEnv MiniClusterTestEnvironment environment = new MiniClusterTestEnvironment();

  @TestSemantics CheckpointingMode[] semantics = {CheckpointingMode.AT_LEAST_ONCE};

  @TestContext ExternalContextFactory<Context> context = name -> new Context();

  /** A stream of its own for each test. */
  static final class Context extends SuiteContext
      implements DataStreamSinkV2ExternalContext<String> {
    private static final ElementConverter<String, PutEntry> CONVERTER =
        (text, writer) -> new PutEntry(text, text.getBytes(StandardCharsets.UTF_8));

    Context() {
      super(2);
    }

    @Override
    public Sink<String> createSink(TestingSinkSettings settings) {
      return new KinesisSink<>(
          server.stream(), CONVERTER, new WriteOptions(10, 1 << 20, 4, 100, 50));
    }

    @Override
    public ExternalSystemDataReader<String> createSinkDataReader(TestingSinkSettings settings) {
      return new Reader(server);
    }

    @Override
    public List<String> generateTestData(TestingSinkSettings settings, long seed) {
      return records("", seed);
    }
  }

  /** Reads the stream from its beginning, each record once. */
  private static final class Reader implements ExternalSystemDataReader<String> {
    private final KinesisServer server;
    private int read;

    private Reader(KinesisServer server) {
      this.server = server;
    }

    @Override
    public List<String> poll(Duration timeout) {
      List<String> stored = server.stored();
      List<String> found = stored.subList(read, stored.size());
      read = stored.size();
      return found;
    }

    @Override
    public void close() {}
  }
}
