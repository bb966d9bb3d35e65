package sdp.functions;

import java.time.Instant;
import org.apache.flink.table.annotation.ArgumentHint;
import org.apache.flink.table.annotation.ArgumentTrait;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.annotation.StateHint;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.types.Row;

/**
 * PROGRESS: on each heartbeat, the watermark at the previous heartbeat. The results before that
 * watermark were emitted one heartbeat ago, so a reader who trusts it sees them.
 *
 * <pre>{@code
 * CREATE TEMPORARY FUNCTION PROGRESS AS 'sdp.functions.Progress';
 * SELECT `watermark`, heartbeat_at FROM PROGRESS(
 *   input => TABLE x,
 *   uid => 'shop-progress')
 * }</pre>
 *
 * The input needs one column {@code heartbeat_at} TIMESTAMP_LTZ(3); rows where it is null are
 * ignored, and so are repeated or older heartbeats (one beat puts the same time into every shard).
 * To see the watermark behind an aggregation, unite its changelog, from which a filter the planner
 * cannot see through may drop every row, with the heartbeats:
 *
 * <pre>{@code
 * CREATE TEMPORARY VIEW x AS
 * SELECT CAST(NULL AS TIMESTAMP_LTZ(3)) AS heartbeat_at FROM changelog WHERE op = 'none'
 * UNION ALL SELECT CAST(occurred_at AS TIMESTAMP_LTZ(3)) FROM events WHERE type = 'heartbeat'
 * }</pre>
 */
@FunctionHint(
    output = @DataTypeHint("ROW<watermark TIMESTAMP_LTZ(3), heartbeat_at TIMESTAMP_LTZ(3)>"))
public final class Progress extends ProcessTableFunction<Row> {
  private static final long serialVersionUID = 1L;

  /** The newest heartbeat and the watermark when it came; epoch milliseconds. */
  public static class Beat {
    public Long heartbeat;
    public Long watermark;
  }

  /** Called for each row. */
  public void eval(
      Context context,
      @StateHint Beat last,
      @ArgumentHint({ArgumentTrait.SET_SEMANTIC_TABLE, ArgumentTrait.OPTIONAL_PARTITION_BY})
          Row input) {
    Instant heartbeat = input.getFieldAs("heartbeat_at");
    if (heartbeat == null || last.heartbeat != null && heartbeat.toEpochMilli() <= last.heartbeat) {
      return;
    }
    if (last.watermark != null) {
      collect(Row.of(Instant.ofEpochMilli(last.watermark), heartbeat));
    }
    last.heartbeat = heartbeat.toEpochMilli();
    last.watermark = context.timeContext(Long.class).currentWatermark();
  }
}
