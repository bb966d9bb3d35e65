package sdp.keyed;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;

/**
 * How much heap the logs of one subtask may take: the indexes of the open keys in full, what is not
 * yet in the state up to an eighth (half of what the indexes leave, where that is less), and of
 * what is, as many chunks as fit into the rest. Keys move to cold indexes when all indexes together
 * take half of it, but not before those in the index take a sixteenth: a cold index for few keys is
 * not worth looking into.
 */
public final class HeapBudget {
  private static final int DIRTY_SHARE = 8;

  /** Of the limit: what the indexes must leave. */
  private static final int LEFT_SHARE = 16;

  private static final int INDEX_SHARE = 2;
  private static final int HOT_SHARE = 16;

  private static final int HEADER = 16;

  /** The size of a region of the garbage collector G1; 0 with another collector. */
  private static final long REGION = region();

  private final String owner;
  private final long bytes;
  private final long maxHot;
  private long retryAt;
  private long hot;
  private long cold;
  private long dirty;
  private long cached;

  /**
   * @param owner the operator, for the error message
   * @param bytes the limit
   */
  public HeapBudget(String owner, long bytes) {
    this(owner, bytes, bytes);
  }

  /**
   * @param maxHot how large the index may be at most before its keys move to cold ones
   */
  public HeapBudget(String owner, long bytes, long maxHot) {
    this.owner = owner;
    this.bytes = bytes;
    this.maxHot = maxHot;
  }

  /**
   * What an array of that many bytes takes: G1 gives one that is larger than half a region whole
   * regions, which nothing else can use.
   */
  static long footprint(long bytes) {
    return footprint(bytes, REGION);
  }

  static long footprint(long bytes, long region) {
    long size = bytes + HEADER;
    return size > region / 2 && region > 0 ? (size + region - 1) / region * region : size;
  }

  private static long region() {
    var bean = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
    return Long.parseLong(bean.getVMOption("G1HeapRegionSize").getValue());
  }

  /** The index of keys that have changed lately. */
  void addHot(long more) {
    hot += more;
    check();
  }

  void addCold(long more) {
    cold += more;
    check();
  }

  private void check() {
    if (index() > bytes - bytes / LEFT_SHARE) {
      throw new IllegalStateException(
          ("%s: the index of the open keys needs %d MiB, and this subtask's share of the heap is"
                  + " %d MiB. Raise the parallelism, lower the parallelism per KPU (the subtasks"
                  + " that share a task manager), or shorten the window or the lateness.")
              .formatted(owner, index() >> 20, bytes >> 20));
    }
  }

  private long index() {
    return hot + cold;
  }

  void addDirty(long more) {
    dirty += more;
  }

  void addCached(long more) {
    cached += more;
  }

  boolean isDirtyFull() {
    return dirty > Math.min(bytes / DIRTY_SHARE, (bytes - index()) / 2);
  }

  boolean isHotFull() {
    long limit = Math.max(bytes / HOT_SHARE, bytes / INDEX_SHARE - cold);
    return hot > Math.min(limit, maxHot) && hot >= retryAt;
  }

  /** Notes whether keys could be moved; if not, there is no use in trying again soon. */
  void setFrozen(boolean isMoved) {
    retryAt = isMoved ? 0 : hot * 2;
  }

  boolean isCacheFull() {
    return cached > 0 && kept() > bytes;
  }

  public long dirty() {
    return dirty;
  }

  /** All that is on the heap. */
  public long kept() {
    return index() + dirty + cached;
  }
}
