package sdp.local;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;

/** What a program has of a job that another process runs: its id, and nothing to wait for. */
record HandedOver(JobID id) implements JobClient {
  @Override
  public JobID getJobID() {
    return id;
  }

  @Override
  public CompletableFuture<JobStatus> getJobStatus() {
    return unknown();
  }

  @Override
  public CompletableFuture<Void> cancel() {
    return unknown();
  }

  @Override
  public CompletableFuture<String> stopWithSavepoint(
      boolean advanceToEndOfEventTime, String directory, SavepointFormatType format) {
    return unknown();
  }

  @Override
  public CompletableFuture<String> triggerSavepoint(String directory, SavepointFormatType format) {
    return unknown();
  }

  @Override
  public CompletableFuture<Map<String, Object>> getAccumulators() {
    return unknown();
  }

  @Override
  public CompletableFuture<JobExecutionResult> getJobExecutionResult() {
    return unknown();
  }

  private static <T> CompletableFuture<T> unknown() {
    return CompletableFuture.failedFuture(
        new UnsupportedOperationException("the job was planned here and runs in another process"));
  }
}
