package sdp.patterns;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * Finds attempts that stop before their last step.
 *
 * <p>An attempt of a key begins with the first step and goes on for {@code timeout} (its end
 * belongs to it). The steps between are taken in their order, others are ignored, and so is the
 * first step while an attempt goes on. The last step ends the attempt, whatever steps were taken
 * before. If the timeout ends it and all steps but the last were taken, that is a match at this
 * instant, when the watermark has passed it: no further event is needed. The next first step begins
 * another attempt.
 *
 * <p>Of steps at one time the earlier step is first. A late step is ignored.
 */
final class MissingStep implements Pattern {
  private static final long serialVersionUID = 1L;

  private final String kind;
  private final int steps;
  private final long timeout;

  /** The steps that were taken; none if there is no attempt. */
  private transient List<Event> taken;

  /**
   * @param steps how many, the missing one included
   * @param timeout in milliseconds
   */
  MissingStep(String kind, int steps, long timeout) {
    this.kind = kind;
    this.steps = steps;
    this.timeout = timeout;
  }

  @Override
  public String kind() {
    return kind;
  }

  @Override
  public String layout() {
    return "missing-step " + steps;
  }

  @Override
  public long window() {
    return timeout;
  }

  @Override
  public boolean takesLate(Event event) {
    return false;
  }

  // --- rules ------------------------------------------------------------------------------------

  @Override
  public void accept(Event event, List<Event> known, Found found) {
    int step = event.kind() - Event.STEP;
    if (step < 0) {
      return;
    }
    if (step == steps - 1) {
      taken.clear();
    } else if (step == taken.size()) {
      taken.add(event);
    }
  }

  @Override
  public void acceptLate(Event event, List<Event> known) {}

  @Override
  public void advance(long to, Found found) {
    if (!taken.isEmpty() && end() < to) {
      if (taken.size() == steps - 1) {
        List<Event> causes = List.copyOf(taken);
        found.add(new Match(kind, end(), causes.get(0), causes, null, null, null));
      }
      taken.clear();
    }
  }

  private long end() {
    return taken.get(0).time() + timeout;
  }

  @Override
  public long dueAt() {
    return taken.isEmpty() ? Long.MAX_VALUE : end() + 1;
  }

  // --- state ------------------------------------------------------------------------------------

  @Override
  public void clear() {
    taken = new ArrayList<>(steps);
  }

  @Override
  public boolean isEmpty() {
    return taken.isEmpty();
  }

  @Override
  public void write(DataOutputSerializer out) throws IOException {
    out.writeByte(taken.size());
    for (Event event : taken) {
      event.write(out);
    }
  }

  @Override
  public void read(DataInputDeserializer in, byte[] bytes) throws IOException {
    clear();
    for (int left = in.readUnsignedByte(); left > 0; left--) {
      taken.add(Event.read(in, bytes));
    }
  }
}
