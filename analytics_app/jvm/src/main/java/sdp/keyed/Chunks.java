package sdp.keyed;

/** Where the chunks of logs are stored: the keyed state, as one map for each key group. */
public interface Chunks {
  /** The numbers of all chunks of a key group, ascending. */
  long[] numbers(int group) throws Exception;

  /** One chunk; null if there is none of that number. */
  byte[] get(int group, long number) throws Exception;

  /** Stores a chunk. The bytes are not changed afterwards. */
  void put(int group, long number, byte[] bytes) throws Exception;

  /** Removes a chunk. */
  void remove(int group, long number) throws Exception;
}
