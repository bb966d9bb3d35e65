package sdp.definitions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.junit.jupiter.api.Test;
import sdp.decisions.Checked;

/** The definitions as a source of a running job. */
class DefinitionsSourceTest {
  /** Of the job that runs, as the answers: one that is cancelled may still emit something. */
  private static volatile BlockingQueue<String> seen;

  private static volatile BlockingQueue<Object> answers;

  /** A store whose answers the test gives. */
  private static final class Scripted implements DefinitionStore {
    private final BlockingQueue<Object> own = answers;

    @Override
    public Update read(long reaching) {
      try {
        Object answer = own.take();
        if (answer instanceof RuntimeException failure) {
          throw failure;
        }
        return (Update) answer;
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void close() {}
  }

  /** Notes what comes in, in order. */
  private static final class Noting extends AbstractStreamOperator<String>
      implements OneInputStreamOperator<byte[], String>, Serializable {
    private static final long serialVersionUID = 1L;

    private transient BlockingQueue<String> own;

    @Override
    public void open() throws Exception {
      super.open();
      own = seen;
    }

    @Override
    public void processElement(StreamRecord<byte[]> element) throws Exception {
      Version version = Version.of(element.getValue());
      own.add(version.name() + version.version());
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
      own.add("watermark " + mark.getTimestamp());
      super.processWatermark(mark);
    }
  }

  private static DefinitionStore.Update update(long instant, Version... versions) {
    return new DefinitionStore.Update(List.of(versions), instant);
  }

  private static JobClient start(boolean bounded) throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 1);
    var environment = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    seen = new LinkedBlockingQueue<>();
    answers = new LinkedBlockingQueue<>();
    environment
        .fromSource(
            new DefinitionsSource(Scripted::new, bounded, 1),
            WatermarkStrategy.noWatermarks(),
            "definitions",
            PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
        .setParallelism(1)
        .transform("noting", Types.STRING, new Noting())
        .setParallelism(1)
        .sinkTo(new DiscardingSink<>());
    return environment.executeAsync();
  }

  private static List<String> next(int count) throws InterruptedException {
    List<String> found = new ArrayList<>();
    while (found.size() < count) {
      found.add(seen.take());
    }
    return found;
  }

  @Test
  void eachWatermarkFollowsTheVersionsItIsAbout() throws Exception {
    Version one = Checked.rule("r", 1, 5, "true");
    Version two = Checked.rule("r", 2, 15, "true");
    JobClient job = start(false);
    answers.add(update(10, one));
    answers.add(new DefinitionStore.UnavailableException("not now", null));
    answers.add(update(20, two));
    answers.add(update(30));
    assertEquals(List.of("r1", "watermark 10", "r2", "watermark 20", "watermark 30"), next(5));
    // what does not pass restarts the job, which reads all again
    answers.add(new IllegalStateException("lost"));
    answers.add(update(40, one, two));
    assertEquals(List.of("r1", "r2", "watermark 40"), next(3));
    job.cancel().get();
    answers.add(update(50));
  }

  @Test
  void aBoundedSourceEndsAfterItsFirstRead() throws Exception {
    JobClient job = start(true);
    answers.add(update(DefinitionStore.END, Checked.rule("r", 1, 5, "true")));
    job.getJobExecutionResult().get();
    List<String> found = new ArrayList<>(seen);
    assertEquals("r1", found.get(0));
    assertTrue(found.contains("watermark " + Long.MAX_VALUE), found.toString());
  }
}
