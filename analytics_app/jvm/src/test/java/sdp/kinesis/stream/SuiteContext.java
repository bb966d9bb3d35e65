package sdp.kinesis.stream;

import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.typeutils.ResultTypeQueryable;
import org.apache.flink.connector.testframe.external.ExternalContext;

/** The context of Flink's suites for source and sink: a separate stream for each test. */
public abstract class SuiteContext implements ExternalContext, ResultTypeQueryable<String> {
  protected final KinesisServer server;

  protected SuiteContext(int shards) {
    try {
      server = KinesisServer.start(shards);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** 50 to 99 different records. */
  protected static List<String> records(String prefix, long seed) {
    List<String> records = new ArrayList<>();
    for (int n = 50 + new Random(seed).nextInt(50); n > 0; n--) {
      records.add(prefix + seed + "-" + n);
    }
    return records;
  }

  @Override
  public TypeInformation<String> getProducedType() {
    return Types.STRING;
  }

  @Override
  public List<URL> getConnectorJarPaths() {
    return List.of();
  }

  @Override
  public void close() {
    server.close();
  }
}
