package sdp.correlate;

import java.io.Serializable;

/**
 * What the port {@code counts} counts.
 *
 * @param group the column to count by, a BIGINT
 * @param time the column with the event time
 * @param sum the column that is added up over the records of one stage, a BIGINT
 * @param sumStage that stage
 * @param seconds the length of a period
 */
record CountSpec(int group, int time, int sum, int sumStage, long seconds) implements Serializable {

  void count(PartialCounts counts, int stage, OutcomeRow row) {
    if (row.isNullAt(group)) {
      return;
    }
    long second = Math.floorDiv(row.getTimestamp(time, 3).getMillisecond(), 1000L);
    long amount = stage == sumStage && !row.isNullAt(sum) ? row.getLong(sum) : 0;
    counts.add(row.getLong(group), second - Math.floorMod(second, seconds), stage, amount);
  }
}
