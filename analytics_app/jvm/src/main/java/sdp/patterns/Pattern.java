package sdp.patterns;

import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * A pattern over the events of one key in the order of event time. One object serves all keys of a
 * subtask: the state of a key is read into it and written from it.
 */
interface Pattern extends Serializable {
  /** Receives what was found. */
  interface Found {
    void add(Match match);
  }

  /** What matches are called. */
  String kind();

  /** Identifies the layout of its state beside its kind; state of another layout is not read. */
  String layout();

  /** For how long after an event the pattern may look at it, in milliseconds. */
  long window();

  /** Whether an event that is late changes its state all the same. */
  boolean takesLate(Event event);

  /** The state of a key of which nothing is known. */
  void clear();

  boolean isEmpty();

  void write(DataOutputSerializer out) throws IOException;

  /**
   * @param bytes those that are read; ids stay in them
   */
  void read(DataInputDeserializer in, byte[] bytes) throws IOException;

  /**
   * Takes the next event.
   *
   * @param known the key's events of the window, with this one as the last that is not late
   */
  void accept(Event event, List<Event> known, Found found);

  /** Takes an event that is late, as one that {@link #takesLate}. */
  void acceptLate(Event event, List<Event> known);

  /** All events before this time have been taken: decides what follows from that. */
  void advance(long to, Found found);

  /** The next time for {@link #advance} to decide or to forget something; the greatest if none. */
  long dueAt();
}
