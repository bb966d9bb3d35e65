package sdp.keyed;

/**
 * How much heap the logs of one subtask may take: their index in full, what is not yet in the state
 * up to an eighth, and of what is, as many chunks as fit into the rest.
 */
public final class HeapBudget {
  private static final int DIRTY_SHARE = 8;

  private final String owner;
  private final long bytes;
  private long index;
  private long dirty;
  private long cached;

  /**
   * @param owner the operator, for the error message
   * @param bytes the limit
   */
  public HeapBudget(String owner, long bytes) {
    this.owner = owner;
    this.bytes = bytes;
  }

  void addIndex(long more) {
    index += more;
    if (index > bytes - bytes / DIRTY_SHARE) {
      throw new IllegalStateException(
          ("%s: the index of the open keys needs %d MiB, and this subtask's share of the heap is"
                  + " %d MiB. Raise the parallelism, lower the parallelism per KPU (the subtasks"
                  + " that share a task manager), or shorten the window or the lateness.")
              .formatted(owner, index >> 20, bytes >> 20));
    }
  }

  void addDirty(long more) {
    dirty += more;
  }

  void addCached(long more) {
    cached += more;
  }

  boolean isDirtyFull() {
    return dirty > bytes / DIRTY_SHARE;
  }

  boolean isCacheFull() {
    return cached > 0 && index + dirty + cached > bytes;
  }

  public long dirty() {
    return dirty;
  }

  /** All that is on the heap. */
  public long kept() {
    return index + dirty + cached;
  }
}
