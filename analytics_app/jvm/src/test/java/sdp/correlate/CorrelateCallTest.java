package sdp.correlate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.junit.jupiter.api.Test;

/** Options that are refused before a job is planned. */
class CorrelateCallTest {
  @Test
  void moreChecksThanARecordCanNameAreRefused() {
    Configuration options = new Configuration();
    options.set(CorrelateOptions.STAGES, "imp");
    options.set(CorrelateOptions.CHECKS, "imp price required is required\n".repeat(65_536));
    RowType columns = RowType.of(new LogicalType[0]);
    Exception refused =
        assertThrows(ValidationException.class, () -> new CorrelateCall(columns, options));
    assertEquals("correlate: 'checks' is at most 65535 lines, not 65536.", refused.getMessage());
  }
}
