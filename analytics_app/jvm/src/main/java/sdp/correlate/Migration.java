package sdp.correlate;

import java.util.List;
import sdp.keyed.Block;
import sdp.keyed.Bytes;
import sdp.keyed.Packed;

/**
 * Translates what is known of keys from the columns and stages of an earlier version of the job: a
 * column is the same if its name and type are; one that is no longer there is left out. Stages keep
 * their numbers: how many have matched would be wrong if one came between or before them.
 */
final class Migration {
  private static final int GONE = -1;

  private final KeyState before;
  private final int[] columns;
  private final long variable;

  Migration(Header header, Layout layout) {
    check(header.stages(), layout);
    before = new KeyState(header.stages().size(), 0, 0);
    columns = new int[header.columns().size()];
    for (int i = 0; i < columns.length; i++) {
      int now = layout.columns().indexOf(header.columns().get(i));
      columns[i] = now >= 0 && layout.types().get(now) == header.types().get(i) ? now : GONE;
    }
    variable = layout.variable();
  }

  private static void check(List<String> earlier, Layout layout) {
    List<String> now = layout.stages();
    if (now.size() < earlier.size() || !now.subList(0, earlier.size()).equals(earlier)) {
      throw new IllegalStateException(
          ("%s: the state was written with the stages %s, and this version has %s. New stages can"
                  + " only follow the earlier ones: put the earlier stages first, in their order, or"
                  + " start without the state.")
              .formatted(layout.name(), earlier, now));
    }
  }

  /** Reads a payload of the earlier version. */
  void read(byte[] from, int at, KeyState now) {
    before.read(from, at);
    now.clear();
    for (int stage = 0; stage < before.times.length; stage++) {
      if (before.has(stage)) {
        now.place(stage, before.times[stage]);
      }
    }
    now.matched = before.matched;
    if (before.merged != null) {
      byte[] block = block(before.merged, before.mergedAt, before.mergedLength(), 0);
      now.setMerged(block, block.length);
    }
    for (int index = 0; index < before.waiting(); index++) {
      int length = before.length(index) - Packed.BLOCK;
      byte[] record = block(before.record(index), before.block(index), length, Packed.BLOCK);
      System.arraycopy(before.record(index), before.start(index), record, 0, Packed.BLOCK);
      Packed.moveKey(record, shift(before.record(index), before.block(index)));
      now.add(before.stage(index), before.isPlaced(index), record, 0, record.length);
    }
  }

  /** How much further back the values of variable length are in the translated block. */
  private int shift(byte[] from, int block) {
    long had = Block.columns(from, block);
    return Block.values(translated(had)) - Block.values(had);
  }

  private byte[] block(byte[] from, int block, int length, int header) {
    int shift = shift(from, block);
    long had = Block.columns(from, block);
    int values = Block.values(had);
    byte[] to = new byte[header + length + shift];
    System.arraycopy(from, block + values, to, header + values + shift, length - values);
    long[] slots = new long[Block.MAX_COLUMNS];
    for (long left = had; left != 0; left &= left - 1) {
      int column = Long.numberOfTrailingZeros(left);
      if (columns[column] != GONE) {
        slots[columns[column]] = slot(Block.slot(from, block, column), columns[column], shift);
      }
    }
    write(to, header, translated(had), slots);
    return to;
  }

  private long slot(long slot, int column, int shift) {
    boolean isVariable = (variable >>> column & 1) != 0;
    return isVariable ? Block.slotOf(Block.offset(slot) + shift, Block.length(slot)) : slot;
  }

  private static void write(byte[] to, int at, long has, long[] slots) {
    Bytes.putLong(to, at, has);
    int next = at + 8;
    for (long left = has; left != 0; left &= left - 1, next += 8) {
      Bytes.putLong(to, next, slots[Long.numberOfTrailingZeros(left)]);
    }
  }

  private long translated(long had) {
    long has = 0;
    for (int column = 0; column < columns.length; column++) {
      if ((had >>> column & 1) != 0 && columns[column] != GONE) {
        has |= 1L << columns[column];
      }
    }
    return has;
  }
}
