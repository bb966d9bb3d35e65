package sdp.definitions;

import java.util.List;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * All versions of all definitions, as they are written, and watermarks: a watermark says that all
 * versions valid from then or earlier have been emitted. It has one reader and no state: after a
 * restart it emits all versions again.
 */
final class DefinitionsSource
    implements Source<byte[], DefinitionsSource.Nothing, DefinitionsSource.Nothing> {
  private static final long serialVersionUID = 1L;

  private final DefinitionStore.Opener store;
  private final boolean bounded;
  private final long intervalMillis;

  /** What is assigned to a reader and stored in a checkpoint. */
  static final class Nothing implements SourceSplit {
    @Override
    public String splitId() {
      return "all";
    }
  }

  /**
   * @param bounded whether it ends after the first read
   * @param intervalMillis the time from one read to the next
   */
  DefinitionsSource(DefinitionStore.Opener store, boolean bounded, long intervalMillis) {
    this.store = store;
    this.bounded = bounded;
    this.intervalMillis = intervalMillis;
  }

  @Override
  public Boundedness getBoundedness() {
    return bounded ? Boundedness.BOUNDED : Boundedness.CONTINUOUS_UNBOUNDED;
  }

  @Override
  public SourceReader<byte[], Nothing> createReader(SourceReaderContext context) {
    return new DefinitionsReader(store, bounded, intervalMillis);
  }

  @Override
  public SplitEnumerator<Nothing, Nothing> createEnumerator(
      SplitEnumeratorContext<Nothing> context) {
    return new NoSplits();
  }

  @Override
  public SplitEnumerator<Nothing, Nothing> restoreEnumerator(
      SplitEnumeratorContext<Nothing> context, Nothing checkpoint) {
    return new NoSplits();
  }

  @Override
  public SimpleVersionedSerializer<Nothing> getSplitSerializer() {
    return new NothingSerializer();
  }

  @Override
  public SimpleVersionedSerializer<Nothing> getEnumeratorCheckpointSerializer() {
    return new NothingSerializer();
  }

  private static final class NoSplits implements SplitEnumerator<Nothing, Nothing> {
    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int subtask, String host) {}

    @Override
    public void addSplitsBack(List<Nothing> splits, int subtask) {}

    @Override
    public void addReader(int subtask) {}

    @Override
    public Nothing snapshotState(long checkpoint) {
      return new Nothing();
    }

    @Override
    public void close() {}
  }

  private static final class NothingSerializer implements SimpleVersionedSerializer<Nothing> {
    @Override
    public int getVersion() {
      return 1;
    }

    @Override
    public byte[] serialize(Nothing nothing) {
      return new byte[0];
    }

    @Override
    public Nothing deserialize(int version, byte[] bytes) {
      return new Nothing();
    }
  }
}
