package sdp.keyed;

import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;

/** A {@link LogsOperator} with the records of its keys as its only input. */
public abstract class KeyLogsOperator extends LogsOperator
    implements OneInputStreamOperator<Packed, RowData> {
  private static final long serialVersionUID = 1L;

  /**
   * @param heapShare the share of a task manager's heap that its subtasks may keep open keys in
   * @param step of the logs, in milliseconds of event time
   */
  protected KeyLogsOperator(String name, double heapShare, long step) {
    super(name, heapShare, step);
  }

  @Override
  public final void processElement(StreamRecord<Packed> element) throws Exception {
    accept(element.getValue());
  }
}
