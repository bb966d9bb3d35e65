package sdp.decisions;

import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sdp.definitions.DefinitionStore;
import sdp.definitions.DefinitionStore.Update;
import sdp.kinesis.stream.OncePerMinute;

/**
 * Which version of the model is in force at a time. The store is read by a thread of its own:
 * before a time is needed that has not been reached, else every ten seconds, so that a version is
 * known, and the frontier far ahead, before the rows of its time come.
 *
 * <p>A time that has not been reached moves the frontier to it: no version can be added up to there
 * any more. So no row waits until the clock has passed its time. Used by one thread.
 */
final class ModelVersions implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ModelVersions.class);
  private static final Duration INTERVAL = Duration.ofSeconds(10);
  private static final long RETRY_MILLIS = 1_000;

  private final DefinitionStore.Opener opener;
  private final Duration patience;
  private final Definitions definitions = new Definitions();
  private final OncePerMinute trouble = new OncePerMinute(Clock.systemUTC());
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread made = new Thread(task, "model versions");
            made.setDaemon(true);
            return made;
          });
  private DefinitionStore store; // of the thread

  /** All versions that are valid from then or earlier are known. */
  private long known = Long.MIN_VALUE;

  private Future<Update> reading;
  private boolean isGivenUp;
  private long readAt = System.nanoTime();

  /**
   * @param patience how long a store that cannot be read is waited for; then nobody waits until it
   *     has been read
   */
  ModelVersions(DefinitionStore.Opener opener, Duration patience) {
    this.opener = opener;
    this.patience = patience;
    reading = thread.submit(() -> read(Long.MIN_VALUE));
  }

  /**
   * Whether it is known what is in force at a time. Moves the frontier to it if need be; false if
   * the store cannot be read.
   */
  boolean reach(long time) throws InterruptedException {
    while (known < time) {
      if (reading == null) {
        reading = thread.submit(() -> read(time));
      }
      take(isGivenUp ? Duration.ZERO : patience);
      if (reading != null) {
        isGivenUp = true;
        return false;
      }
    }
    return true;
  }

  /** The version that is in force at a time that has been reached; null if there is none. */
  Definition at(long time) {
    for (Definition each : definitions.inForce(Definition.MODEL, time)) {
      if (each.version().live()) {
        return each;
      }
    }
    return null;
  }

  /** The version that nothing follows; null if there is none. */
  Definition last() {
    return definitions.inForce(Definition.MODEL, Long.MAX_VALUE).stream().findFirst().orElse(null);
  }

  /** Takes what has been read meanwhile; whether it is new. Begins to read when it is time. */
  boolean refresh() throws InterruptedException {
    if (reading != null) {
      return reading.isDone() && take(Duration.ZERO);
    }
    if (known != DefinitionStore.END && System.nanoTime() - readAt > INTERVAL.toNanos()) {
      reading = thread.submit(() -> read(Long.MIN_VALUE));
    }
    return false;
  }

  private boolean take(Duration wait) throws InterruptedException {
    try {
      Update update = reading.get(wait.toMillis(), TimeUnit.MILLISECONDS);
      reading = null;
      readAt = System.nanoTime();
      isGivenUp = false;
      update.versions().forEach(definitions::add);
      known = Math.max(known, update.instant());
      return !update.versions().isEmpty();
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }

  /** Reads the store, again and again until it can be read. */
  private Update read(long reaching) throws InterruptedException {
    while (true) {
      try {
        if (store == null) {
          store = opener.open();
        }
        return store.read(reaching);
      } catch (RuntimeException e) {
        trouble.report(
            times -> LOG.warn("The versions of the model cannot be read: {}", e.getMessage()));
        Thread.sleep(RETRY_MILLIS);
      }
    }
  }

  @Override
  public void close() {
    thread.shutdownNow(); // it may be waiting
    try {
      if (thread.awaitTermination(1, TimeUnit.SECONDS) && store != null) {
        store.close();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
