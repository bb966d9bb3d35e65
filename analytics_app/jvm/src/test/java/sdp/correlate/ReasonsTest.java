package sdp.correlate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.junit.jupiter.api.Test;
import sdp.keyed.Durations;
import sdp.keyed.HeapBudget;
import sdp.keyed.KeyLogs;
import sdp.keyed.MemoryChunks;
import sdp.keyed.Packed;
import sdp.keyed.RowPacker;

/** What senders read: each way in which a record is not counted, through the rules themselves. */
class ReasonsTest {
  private static final long NOON = Instant.parse("2026-11-26T12:00:00Z").toEpochMilli();
  private static final List<LogicalTypeRoot> TYPES =
      List.of(LogicalTypeRoot.VARCHAR, LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE);

  private final List<String> refusals = new ArrayList<>();
  private Join join = join(Duration.ofHours(1));

  private Join join(Duration lateness) {
    Layout layout =
        new Layout(
            "test",
            List.of("order_id", "at"),
            TYPES,
            0,
            2,
            List.of("order", "pack", "send"),
            Duration.ofMinutes(5).toMillis(),
            lateness.toMillis());
    Reasons reasons = new Reasons(layout, Map.of("pack", "parcel"), new String[] {"/at is odd"});
    KeyLogs logs =
        new KeyLogs(new MemoryChunks(), new HeapBudget("test", 1 << 20), 1, 0, 1, layout.step());
    return new Join(layout, reasons, logs, outcomes());
  }

  private Join.Outcomes outcomes() {
    return new Join.Outcomes() {
      @Override
      public void matched(int stage, OutcomeRow row) {}

      @Override
      public void closed(OutcomeRow row) {}

      @Override
      public void refused(OutcomeRow row) {
        refusals.add(row.outcome().label() + ": " + row.getString(3));
      }
    };
  }

  @Test
  void aRecordWithoutItsFirstStageNamesWhatIsMissingAndWithinWhatTime() throws Exception {
    accept("a", 1, NOON);
    join.advance(Long.MAX_VALUE);
    assertEquals(List.of("unmatched: no order with this order_id within 5 minutes"), refusals);
  }

  @Test
  void aRecordWithItsFirstStageNamesTheOneThatIsMissingBetween() throws Exception {
    accept("a", 0, NOON);
    accept("a", 2, NOON);
    join.advance(Long.MAX_VALUE);
    assertEquals(
        List.of("unmatched: no parcel with this order_id within 5 minutes of its order"), refusals);
  }

  @Test
  void aRecordTooFarFromItsFirstStageHasNoneWithinTheWindow() throws Exception {
    accept("a", 0, NOON);
    accept("a", 1, NOON + 300_001);
    join.advance(Long.MAX_VALUE);
    assertEquals(List.of("unmatched: no order with this order_id within 5 minutes"), refusals);
  }

  @Test
  void aDuplicateNamesWhatIsThereAlready() throws Exception {
    accept("a", 0, NOON);
    accept("a", 0, NOON + 1);
    accept("b", 1, NOON);
    accept("b", 1, NOON);
    accept("b", 1, NOON + 1);
    accept("b", 0, NOON);
    assertEquals(
        List.of(
            "duplicate: this order_id already has its order",
            "duplicate: another parcel with this order_id and the same time is already waiting for"
                + " its order",
            "duplicate: this order_id already has its parcel"),
        refusals);
  }

  @Test
  void whatMayNoLongerWaitNamesTheBound() throws Exception {
    for (int number = 0; refusals.isEmpty(); number++) {
      accept("a", 1, NOON + number);
    }
    assertEquals(
        List.of(
            "unmatched: too many records with this order_id are waiting for its order: they may"
                + " take at most 64 KiB"),
        refusals);
  }

  @Test
  void aLateRecordNamesHowLateItIsAndHowLateItMayBe() throws Exception {
    join.advance(NOON);
    accept("a", 0, NOON - Duration.ofMinutes(130).toMillis());
    accept("a", 0, NOON - Duration.ofHours(1).toMillis() - 1);
    accept("a", 0, NOON - Duration.ofHours(1).toMillis());
    String rest =
        " before the event time that the stream had reached (2026-11-26T12:00:00Z); events older"
            + " than AllowedLateness (1 hour) are not counted";
    assertEquals(
        List.of(
            "late: occurred 2 hours 10 minutes" + rest, "late: occurred 1 hour 1 minute" + rest),
        refusals);
  }

  /** It may be less late than is allowed now: the bound of then still holds. */
  @Test
  void aRecordThatWasLateBeforeTheLatenessWasRaisedNamesTheBoundOfThen() throws Exception {
    join.advance(NOON);
    Join raised = join(Duration.ofDays(1));
    raised.restore(join.watermark(), join.floor());
    join = raised;
    accept("a", 0, NOON - Duration.ofHours(2).toMillis());
    assertEquals(
        List.of(
            "late: occurred 2 hours before the event time that the stream had reached"
                + " (2026-11-26T12:00:00Z); events before 2026-11-26T11:00:00Z are not counted,"
                + " because AllowedLateness was shorter than 1 day until then"),
        refusals);
  }

  @Test
  void aRecordWithoutKeyAndAMalformedOneNameTheField() throws Exception {
    accept(null, 0, NOON);
    accept("a", Join.MALFORMED, NOON);
    assertEquals(List.of("unmatched: it has no order_id", "malformed: /at is odd"), refusals);
  }

  @Test
  void durationsAreInWords() {
    assertEquals("1 day 1 hour 1 minute 1 second 1 millisecond", Durations.words(90_061_001));
    assertEquals("0 seconds", Durations.words(0));
    assertEquals("2 days", Durations.rounded(2 * 86_400_000L - 1));
    assertEquals("2 seconds", Durations.rounded(1_001));
    assertEquals("7 milliseconds", Durations.rounded(7));
  }

  private void accept(String key, int stage, long time) throws Exception {
    RowPacker packer = new RowPacker(TYPES.toArray(LogicalTypeRoot[]::new), 0, 1, -1);
    GenericRowData row =
        GenericRowData.of(StringData.fromString(key), TimestampData.fromEpochMillis(time));
    Packed packed = packer.pack(row, new int[] {0, 1}, stage, 0);
    join.accept(0, packed);
  }
}
