package sdp.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.runtime.jobgraph.JobVertex;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamEdge;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.RowType;
import org.junit.jupiter.api.Test;

/** The tasks of a job with two operators, the second behind the first and the events. */
class KeyedStreamTest {
  private static final TypeInformation<RowData> ROWS =
      InternalTypeInfo.of(RowType.of(new BigIntType()));

  private final StreamExecutionEnvironment environment = job(2);

  private static StreamExecutionEnvironment job(int parallelism) {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
    environment.setParallelism(parallelism);
    environment.setMaxParallelism(64);
    DataStream<RowData> events =
        environment
            .fromSequence(1, 10)
            .map(number -> (RowData) GenericRowData.of(number), ROWS)
            .name("events");
    DataStream<RowData> more = events.filter(row -> row.getLong(0) > 5).name("more");
    DataStream<RowData> found =
        KeyedStream.attach(events, "first", new Pack(), new Pass(), ROWS)
            .map(row -> row, ROWS)
            .name("found");
    KeyedStream.attach(found.union(more), "second", new Pack(), new Pass(), ROWS);
    return environment;
  }

  /** Each pack is in the task whose rows it packs: a task of its own would be one more hop. */
  @Test
  void rowsOfSeveralTasksArePackedInEach() {
    List<String> tasks =
        environment
            .getStreamGraph(false)
            .getJobGraph()
            .getVerticesSortedTopologicallyFromSources()
            .stream()
            .map(JobVertex::getName)
            .sorted()
            .toList();
    assertEquals(
        List.of(
            "Source: Sequence Source -> events -> (more -> second pack, first pack)",
            "first -> found -> second pack",
            "second"),
        tasks);
  }

  @Test
  void whatAnOperatorHasFoundIsSentAtOnceAndEventsSoon() {
    assertEquals(Map.of("events", 5L, "more", 5L, "found", 0L), waits(environment));
  }

  @Test
  void amongManySubtasksEventsWaitLonger() {
    assertEquals(Map.of("events", 20L, "more", 20L, "found", 0L), waits(job(16)));
  }

  private static Map<String, Long> waits(StreamExecutionEnvironment environment) {
    StreamGraph graph = environment.getStreamGraph(false);
    Map<String, Long> waits = new TreeMap<>();
    for (StreamNode pack : graph.getStreamNodes()) {
      if (pack.getOperatorName().endsWith(" pack")) {
        StreamNode before = graph.getStreamNode(pack.getInEdges().get(0).getSourceId());
        StreamEdge sent = pack.getOutEdges().get(0);
        waits.put(before.getOperatorName(), sent.getBufferTimeout());
      }
    }
    return waits;
  }

  private static final class Pack extends AbstractStreamOperator<Packed>
      implements OneInputStreamOperator<RowData, Packed> {
    private static final long serialVersionUID = 1L;

    @Override
    public void processElement(StreamRecord<RowData> element) {}
  }

  private static final class Pass extends AbstractStreamOperator<RowData>
      implements OneInputStreamOperator<Packed, RowData> {
    private static final long serialVersionUID = 1L;

    @Override
    public void processElement(StreamRecord<Packed> element) {}
  }
}
