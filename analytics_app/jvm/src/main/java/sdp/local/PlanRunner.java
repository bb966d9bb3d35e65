package sdp.local;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.api.common.JobID;
import org.apache.flink.client.program.PerJobMiniClusterFactory;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.SavepointRestoreSettings;
import org.apache.flink.runtime.minicluster.MiniCluster;

/**
 * Runs a job that {@link PlanWriterFactory} has written, in a cluster inside this process.
 *
 * <p>Arguments: the folder of Flink's configuration, which says where the job goes on, and the
 * plan. Ends with 1 and the reason on standard error when the job has failed.
 */
public final class PlanRunner {
  private PlanRunner() {}

  public static void main(String[] arguments) {
    int status = 0;
    try {
      run(GlobalConfiguration.loadConfiguration(arguments[0]), Path.of(arguments[1]));
    } catch (Throwable reason) { // whatever it is: threads of the cluster must not outlive it
      reason.printStackTrace();
      status = 1;
    }
    System.exit(status);
  }

  private static void run(Configuration configuration, Path file) throws Exception {
    FileSystem.initialize(configuration, null);
    JobGraph plan = read(file);
    plan.setJobID(JobID.generate()); // its checkpoints have a folder of their own
    plan.setSavepointRestoreSettings(SavepointRestoreSettings.fromConfiguration(configuration));
    JobClient job =
        PerJobMiniClusterFactory.createWithFactory(configuration, MiniCluster::new)
            .submitJob(plan, PlanRunner.class.getClassLoader())
            .get();
    job.getJobExecutionResult().get();
  }

  private static JobGraph read(Path file) throws IOException, ClassNotFoundException {
    try (ObjectInputStream in =
        new ObjectInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      return (JobGraph) in.readObject();
    }
  }
}
