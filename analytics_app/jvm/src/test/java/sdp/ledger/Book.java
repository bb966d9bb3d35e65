package sdp.ledger;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;

/**
 * What an operator under test has counted for the ledger. Its records have two more columns at the
 * end: the time of receipt, and bytes with the receipt id.
 */
public final class Book {
  private static final long MINUTE = 60_000;

  private final Map<Long, Map<Counted, Long>> minutes = new TreeMap<>();

  /** The columns of a record, and these two. */
  public static LogicalTypeRoot[] types(LogicalTypeRoot... columns) {
    LogicalTypeRoot[] all = Arrays.copyOf(columns, columns.length + 2);
    all[columns.length] = LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE;
    all[columns.length + 1] = LogicalTypeRoot.VARBINARY;
    return all;
  }

  public static Stamp stamp(LogicalTypeRoot... columns) {
    return new Stamp(columns.length, columns.length + 1);
  }

  /** A row with a receipt. */
  public static GenericRowData stamped(GenericRowData row, long received, long receipt) {
    GenericRowData all = new GenericRowData(row.getArity() + 2);
    IntStream.range(0, row.getArity()).forEach(i -> all.setField(i, row.getField(i)));
    all.setField(row.getArity(), TimestampData.fromEpochMillis(received));
    all.setField(row.getArity() + 1, ("{\"receipt\":" + receipt + "}\n").getBytes(UTF_8));
    return all;
  }

  /** Adds a row of the port. */
  public void add(RowData row) {
    Map<Counted, Long> minute =
        minutes.computeIfAbsent(row.getLong(0) * 1000, m -> new EnumMap<>(Counted.class));
    for (Counted each : Counted.values()) {
      minute.merge(each, row.getLong(1 + each.ordinal()), Long::sum);
    }
  }

  /** All minutes together. */
  public long sum(Counted what) {
    return minutes.values().stream().mapToLong(each -> each.getOrDefault(what, 0L)).sum();
  }

  /** What was counted of a minute, without zeros. */
  public Map<Counted, Long> minute(long received) {
    Map<Counted, Long> found = new EnumMap<>(Counted.class);
    found.putAll(minutes.getOrDefault(received - received % MINUTE, Map.of()));
    found.values().removeIf(number -> number == 0);
    return found;
  }

  /** Of each minute: the records read that have no outcome. */
  public Map<Long, Long> open() {
    Map<Long, Long> open = new TreeMap<>();
    minutes.forEach(
        (minute, counts) -> {
          long done = counts.values().stream().mapToLong(n -> n).sum() - counts.get(Counted.READ);
          open.put(minute, counts.get(Counted.READ) - done);
        });
    open.values().removeIf(number -> number == 0);
    return open;
  }

  public void clear() {
    minutes.clear();
  }
}
