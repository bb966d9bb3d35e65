package sdp.scores;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** What S3 says of a model: that it is there, that it is not, or that it cannot say now. */
class S3ModelsTest {
  private HttpServer server;
  private S3Models models;

  @BeforeEach
  void serve() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          String path = exchange.getRequestURI().getPath();
          int status = path.equals("/lake/models/v1") ? 200 : path.endsWith("busy") ? 503 : 403;
          byte[] body = (status == 200 ? "model" : "<Error><Code>C</Code></Error>").getBytes(UTF_8);
          exchange.sendResponseHeaders(status, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    URI endpoint = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    models = new S3Models(client(endpoint));
  }

  private static S3Client client(URI endpoint) {
    return S3Client.builder()
        .region(Region.US_EAST_1)
        .endpointOverride(endpoint)
        .forcePathStyle(true)
        .credentialsProvider(AnonymousCredentialsProvider.create())
        .overrideConfiguration(c -> c.retryStrategy(RetryMode.STANDARD))
        .httpClientBuilder(ApacheHttpClient.builder())
        .build();
  }

  @AfterEach
  void stop() {
    models.close();
    server.stop(0);
  }

  @Test
  void aModelIsReadByItsUri() throws Exception {
    assertEquals("model", new String(models.read("s3://lake/models/v1"), UTF_8));
  }

  @Test
  void whatIsNotThereOrNotAllowedIsInvalid() {
    var failure =
        assertThrows(InvalidModelException.class, () -> models.read("s3://lake/models/none"));
    assertTrue(failure.getMessage().startsWith("s3://lake/models/none: "), failure.getMessage());
    assertThrows(InvalidModelException.class, () -> models.read("lake/models/v1"));
  }

  @Test
  void anS3ThatIsBusyOrGoneIsUnavailable() {
    var unavailable = ModelStore.UnavailableException.class;
    assertThrows(unavailable, () -> models.read("s3://lake/models/busy"));
    server.stop(0);
    assertThrows(unavailable, () -> models.read("s3://lake/models/v1"));
  }
}
