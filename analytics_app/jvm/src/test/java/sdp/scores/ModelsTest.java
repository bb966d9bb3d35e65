package sdp.scores;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Loading models: what is missing, corrupt or not available stops nobody. */
class ModelsTest {
  private static final Duration LONG = Duration.ofMinutes(5);

  private final Map<String, String> files = new ConcurrentHashMap<>();
  private final AtomicInteger reads = new AtomicInteger();
  private final AtomicInteger open = new AtomicInteger();
  private volatile int unavailable;
  private volatile CountDownLatch hanging;
  private Models models = models(LONG);

  private Models models(Duration patience) {
    return new Models(Files::new, Text::new, patience);
  }

  @AfterEach
  void close() {
    models.close();
  }

  private final class Files implements ModelStore {
    @Override
    public byte[] read(String uri) throws InvalidModelException {
      reads.incrementAndGet();
      if (hanging != null) {
        await(hanging);
      }
      if (unavailable-- > 0) {
        throw new UnavailableException("try again", null);
      }
      if (!files.containsKey(uri)) {
        throw new InvalidModelException("there is no " + uri, null);
      }
      return files.get(uri).getBytes(UTF_8);
    }

    @Override
    public void close() {}
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private final class Text implements Model {
    Text(byte[] bytes) throws InvalidModelException {
      if (bytes.length == 0) {
        throw new InvalidModelException("it is empty", null);
      }
      open.incrementAndGet();
    }

    @Override
    public List<Input> inputs() {
      return List.of();
    }

    @Override
    public double[] scores(List<Object[]> rows) {
      return new double[rows.size()];
    }

    @Override
    public void close() {
      open.decrementAndGet();
    }
  }

  private Artifact stored(String name, String content) {
    files.put(name, content);
    return new Artifact(name, name, Artifact.fingerprint(content.getBytes(UTF_8)));
  }

  @Test
  void aModelIsReadOnce() {
    Artifact artifact = stored("a", "model");
    assertNotNull(models.of(artifact).model());
    assertNotNull(models.of(artifact).model());
    assertEquals(1, reads.get());
  }

  @Test
  void ofWhatIsMissingCorruptOrNoModelThereIsNone() {
    Artifact missing = new Artifact("m", "m", Artifact.fingerprint(new byte[0]));
    Artifact other = stored("other", "model");
    files.put("other", "another model");
    Artifact empty = stored("empty", "");
    assertEquals("there is no m", models.of(missing).failure());
    assertTrue(models.of(other).failure().contains("was promoted"), models.of(other).failure());
    assertEquals("it is empty", models.of(empty).failure());
    assertNull(models.of(missing).model());
    assertEquals(3, reads.get(), "none is tried again for every row");
  }

  @Test
  void aStoreThatIsNotAvailableIsTriedAgain() {
    unavailable = 2;
    assertNotNull(models.of(stored("a", "model")).model());
    assertEquals(3, reads.get());
  }

  @Test
  void nobodyWaitsLongerThanTheGivenTimeNorTwice() {
    models.close();
    models = models(Duration.ofMillis(10));
    hanging = new CountDownLatch(1);
    Artifact artifact = stored("a", "model");
    assertEquals("it is not loaded yet", models.of(artifact).failure());
    assertEquals("it is not loaded yet", models.of(artifact).failure());
    hanging.countDown();
    while (models.of(artifact).model() == null) {
      Thread.onSpinWait();
    }
  }

  @Test
  void thoseThatWereNeededLastStayOpen() {
    List<Artifact> artifacts =
        List.of("a", "b", "c", "d", "e").stream().map(name -> stored(name, name)).toList();
    artifacts.forEach(artifact -> assertNotNull(models.of(artifact).model()));
    assertEquals(4, open.get());
    models.of(artifacts.get(1)); // is newer than the third now
    models.of(artifacts.get(0)); // was closed, and is loaded again in place of the third
    assertEquals(4, open.get());
    assertEquals(6, reads.get());
    models.of(artifacts.get(1));
    assertEquals(6, reads.get());
    models.close();
    assertEquals(0, open.get());
  }
}
