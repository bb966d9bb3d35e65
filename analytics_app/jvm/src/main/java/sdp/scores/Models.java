package sdp.scores;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The models that were needed last, loaded by a thread of its own. Of one that is missing or
 * corrupt there is none, until it is tried again.
 *
 * <p>Whoever needs a model first waits for it, at most for a given time; nobody waits a second
 * time.
 */
public final class Models implements AutoCloseable {
  /** More are not open at one time. */
  private static final int MAX_OPEN = 4;

  private static final Duration RETRY_UNAVAILABLE = Duration.ofSeconds(1);
  private static final Duration RETRY_INVALID = Duration.ofMinutes(1);

  /** Makes a model of a file. */
  public interface Reader {
    Model read(byte[] bytes) throws InvalidModelException;
  }

  /** A model, or why there is none; one of them is null. */
  public record Loaded(Model model, String failure) {}

  private final ModelStore.Opener opener;
  private final Reader reader;
  private final Duration patience;
  private final Map<Artifact, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
  private final ScheduledThreadPoolExecutor thread =
      new ScheduledThreadPoolExecutor(
          1,
          task -> {
            Thread made = new Thread(task, "models");
            made.setDaemon(true);
            return made;
          });
  private ModelStore store; // of the thread

  /**
   * @param patience how long a model is waited for when it is first needed
   */
  public Models(ModelStore.Opener opener, Reader reader, Duration patience) {
    this.opener = opener;
    this.reader = reader;
    this.patience = patience;
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  /** Models that ONNX Runtime evaluates. */
  public static Models onnx(ModelStore.Opener opener, Duration patience) {
    return new Models(opener, OnnxModel::of, patience);
  }

  /** Begins to load a model that will be needed. */
  public void prepare(Artifact artifact) {
    if (!entries.containsKey(artifact)) {
      Entry entry = new Entry(artifact);
      entries.put(artifact, entry);
      thread.execute(entry::load);
      closeEldest();
    }
  }

  /** The model of a version. */
  public Loaded of(Artifact artifact) {
    prepare(artifact);
    return entries.get(artifact).loaded(patience);
  }

  private void closeEldest() {
    if (entries.size() > MAX_OPEN) {
      var eldest = entries.entrySet().iterator();
      eldest.next().getValue().close();
      eldest.remove();
    }
  }

  @Override
  public void close() {
    if (thread.isShutdown()) {
      return;
    }
    entries.values().forEach(Entry::close);
    entries.clear();
    thread.execute(
        () -> {
          if (store != null) {
            store.close();
          }
        });
    thread.shutdown();
  }

  private final class Entry {
    private final Artifact artifact;
    private final CountDownLatch tried = new CountDownLatch(1);
    private Loaded loaded = new Loaded(null, "it is not loaded yet");
    private boolean isClosed;

    Entry(Artifact artifact) {
      this.artifact = artifact;
    }

    Loaded loaded(Duration patience) {
      try {
        if (!tried.await(patience.toMillis(), TimeUnit.MILLISECONDS)) {
          tried.countDown();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt(); // the job is cancelled
      }
      synchronized (this) {
        return loaded;
      }
    }

    void load() {
      if (isClosed()) {
        return;
      }
      try {
        if (store == null) {
          store = opener.open();
        }
        byte[] bytes = store.read(artifact.uri());
        artifact.check(bytes);
        set(reader.read(bytes), null);
        tried.countDown();
      } catch (ModelStore.UnavailableException e) {
        set(null, e.getMessage());
        retry(RETRY_UNAVAILABLE);
      } catch (InvalidModelException | RuntimeException e) {
        set(null, e.getMessage());
        tried.countDown();
        retry(RETRY_INVALID);
      }
    }

    private void retry(Duration after) {
      if (!thread.isShutdown()) {
        thread.schedule(this::load, after.toMillis(), TimeUnit.MILLISECONDS);
      }
    }

    private synchronized boolean isClosed() {
      return isClosed;
    }

    private synchronized void set(Model model, String failure) {
      if (!isClosed) {
        loaded = new Loaded(model, failure);
      } else if (model != null) {
        model.close();
      }
    }

    synchronized void close() {
      isClosed = true;
      if (loaded.model() != null) {
        loaded.model().close();
      }
    }
  }
}
