package sdp.definitions;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.core.io.InputStatus;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sdp.definitions.DefinitionStore.UnavailableException;
import sdp.definitions.DefinitionStore.Update;

/**
 * Reads the store in a thread of its own, so that a slow answer delays no checkpoint. While the
 * store is not available the watermark stays where it is, and what is decided by them waits.
 */
final class DefinitionsReader implements SourceReader<byte[], DefinitionsSource.Nothing> {
  private static final Logger LOG = LoggerFactory.getLogger(DefinitionsReader.class);
  private static final long LOG_MILLIS = 60_000;

  private final DefinitionStore.Opener opener;
  private final boolean bounded;
  private final long intervalMillis;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread made = new Thread(task, "definitions");
            made.setDaemon(true);
            return made;
          });
  private final Queue<Update> updates = new ArrayDeque<>();
  private CompletableFuture<Void> available = new CompletableFuture<>();
  private Throwable failure;
  private boolean ended;
  private DefinitionStore store; // of the thread, as the next
  private int failures;

  DefinitionsReader(DefinitionStore.Opener opener, boolean bounded, long intervalMillis) {
    this.opener = opener;
    this.bounded = bounded;
    this.intervalMillis = intervalMillis;
  }

  @Override
  public void start() {
    thread.scheduleWithFixedDelay(this::read, 0, intervalMillis, TimeUnit.MILLISECONDS);
  }

  private void read() {
    try {
      if (store == null) {
        store = opener.open();
      }
      add(store.read());
      failures = 0;
    } catch (UnavailableException e) {
      if (failures++ % Math.max(1, LOG_MILLIS / intervalMillis) == 0) {
        LOG.warn("The definitions cannot be read, what they decide waits: {}", e.getMessage());
      }
    } catch (Throwable e) {
      fail(e);
      throw e; // which ends the thread's work; the task fails with it as well
    }
  }

  private synchronized void add(Update update) {
    if (!ended) {
      updates.add(update);
      ended = bounded;
      available.complete(null);
    }
  }

  private synchronized void fail(Throwable reason) {
    failure = reason;
    available.complete(null);
  }

  @Override
  public InputStatus pollNext(ReaderOutput<byte[]> output) throws IOException {
    Update update;
    synchronized (this) {
      if (failure != null) {
        throw new IOException("The definitions cannot be read: " + failure.getMessage(), failure);
      }
      update = updates.poll();
      if (update == null) {
        return nothing();
      }
    }
    update.versions().forEach(version -> output.collect(version.toBytes()));
    output.emitWatermark(new Watermark(update.instant()));
    return InputStatus.MORE_AVAILABLE;
  }

  private InputStatus nothing() {
    if (ended) {
      return InputStatus.END_OF_INPUT;
    }
    if (available.isDone()) {
      available = new CompletableFuture<>();
    }
    return InputStatus.NOTHING_AVAILABLE;
  }

  @Override
  public synchronized CompletableFuture<Void> isAvailable() {
    return available;
  }

  @Override
  public List<DefinitionsSource.Nothing> snapshotState(long checkpoint) {
    return List.of();
  }

  @Override
  public void addSplits(List<DefinitionsSource.Nothing> splits) {}

  @Override
  public void notifyNoMoreSplits() {}

  @Override
  public void close() {
    thread.execute(
        () -> {
          if (store != null) {
            store.close();
          }
        });
    thread.shutdown();
  }
}
