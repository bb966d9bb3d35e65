package sdp.keyed;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** The open keys of one key group: their index, and the logs of their entries by due time. */
final class KeyGroup {
  final int number;
  final Index index = new Index();
  private final Map<Long, Log> logs = new HashMap<>();
  private Log[] numbered = new Log[8];
  private Log last;

  KeyGroup(int number) {
    this.number = number;
  }

  /** The log that entries with this due time are appended to; null if there is none yet. */
  Log log(long due) {
    if (last == null || last.due != due) {
      Log log = logs.get(due);
      if (log == null) {
        return null;
      }
      last = log;
    }
    return last;
  }

  /** Starts a log, behind those with the same due time. */
  Log start(long due, int firstChunk) {
    int free = 1; // a position is never 0
    while (free < numbered.length && numbered[free] != null) {
      free++;
    }
    if (free == numbered.length) {
      numbered = Arrays.copyOf(numbered, free * 2);
    }
    Log log = new Log(this, due, free, firstChunk);
    numbered[free] = log;
    logs.put(due, log);
    last = log;
    return log;
  }

  void drop(Log log) {
    logs.remove(log.due, log);
    numbered[log.number] = null;
    last = null;
  }

  Log at(long position) {
    return numbered[Position.log(position)];
  }

  /** Those there are now; changing the group does not change them. */
  Log[] logs() {
    return Arrays.stream(numbered).filter(log -> log != null).toArray(Log[]::new);
  }
}
