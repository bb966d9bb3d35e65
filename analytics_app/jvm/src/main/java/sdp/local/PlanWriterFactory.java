package sdp.local;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.dag.Pipeline;
import org.apache.flink.client.ClientUtils;
import org.apache.flink.client.cli.ExecutionConfigAccessor;
import org.apache.flink.client.deployment.executors.PipelineExecutorUtils;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.DeploymentOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.PipelineExecutor;
import org.apache.flink.core.execution.PipelineExecutorFactory;
import org.apache.flink.runtime.jobgraph.JobGraph;

/**
 * The execution target `sdp-plan`: a job that is handed over is written into the file of `{@value
 * #PATH}`, as a client would send it to a cluster, and {@link PlanRunner} runs it.
 *
 * <p>Loading the planner and planning take most of a start. What was planned once is started again
 * without them, after a crash too.
 */
public final class PlanWriterFactory implements PipelineExecutorFactory {
  static final String NAME = "sdp-plan";
  static final String PATH = "sdp.plan.path";
  private static final ConfigOption<String> FILE =
      ConfigOptions.key(PATH).stringType().noDefaultValue();

  @Override
  public String getName() {
    return NAME;
  }

  @Override
  public boolean isCompatibleWith(Configuration configuration) {
    return NAME.equalsIgnoreCase(configuration.get(DeploymentOptions.TARGET));
  }

  @Override
  public PipelineExecutor getExecutor(Configuration ofCluster) {
    return (pipeline, ofJob, loader) -> {
      Configuration configuration = new Configuration(ofCluster);
      configuration.addAll(ofJob);
      return CompletableFuture.completedFuture(written(pipeline, configuration, loader));
    };
  }

  private static JobClient written(
      Pipeline pipeline, Configuration configuration, ClassLoader loader) throws Exception {
    ExecutionConfigAccessor job = ExecutionConfigAccessor.fromConfiguration(configuration);
    JobGraph plan;
    try (URLClassLoader ofJob =
        ClientUtils.buildUserCodeClassLoader(
            job.getJars(), job.getClasspaths(), loader, configuration)) {
      plan = PipelineExecutorUtils.getStreamGraph(pipeline, configuration).getJobGraph(ofJob);
    }
    plan.addJars(job.getJars());
    write(plan, Path.of(configuration.getOptional(FILE).orElseThrow()));
    return new HandedOver(plan.getJobID());
  }

  /** The file is whole or not there: a process may end at any moment. */
  private static void write(JobGraph plan, Path file) throws IOException {
    Path partial = file.resolveSibling(file.getFileName() + ".partial");
    try (ObjectOutputStream out =
        new ObjectOutputStream(new BufferedOutputStream(Files.newOutputStream(partial)))) {
      out.writeObject(plan);
    }
    Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
