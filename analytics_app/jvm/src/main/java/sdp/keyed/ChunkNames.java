package sdp.keyed;

import java.util.Arrays;
import java.util.BitSet;

/** The chunks of a key group by short numbers, which are used again once a log is closed. */
final class ChunkNames {
  private static final int MAX = 0xFFFF;

  private final BitSet used = new BitSet();
  private Log[] logs = new Log[8];
  private short[] chunks = new short[8];

  ChunkNames() {
    used.set(0); // a name is never 0
  }

  /** The name of a chunk, a new one if it has none; 0 if there are no more. */
  int nameOf(Log log, int chunk) {
    if (log.name(chunk) == 0) {
      int name = used.nextClearBit(0);
      if (name > MAX) {
        return 0;
      }
      ensure(name);
      used.set(name);
      logs[name] = log;
      chunks[name] = (short) chunk;
      log.setName(chunk, name);
    }
    return log.name(chunk);
  }

  private void ensure(int name) {
    if (name >= logs.length) {
      logs = Arrays.copyOf(logs, logs.length * 2);
      chunks = Arrays.copyOf(chunks, logs.length);
    }
  }

  Log log(int name) {
    return logs[name];
  }

  int chunk(int name) {
    return chunks[name];
  }

  /** Forgets the chunks of a log. */
  void drop(Log log) {
    for (int chunk = 0; chunk < log.count(); chunk++) {
      int name = log.name(chunk);
      if (name != 0) {
        used.clear(name);
        logs[name] = null;
      }
    }
  }
}
