package sdp.scores;

import java.net.URI;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** Models in S3. */
public final class S3Models implements ModelStore {
  private static final Pattern URI_FORM = Pattern.compile("s3://([^/]+)/(.+)");
  private static final Duration ATTEMPT_TIMEOUT = Duration.ofSeconds(10);

  /** Of a file; a model of a million categories has 60 MB. */
  private static final long MAX_BYTES = 256L << 20;

  private final S3Client client;

  S3Models(S3Client client) {
    this.client = client;
  }

  /** Connects with the default credentials chain. */
  public static S3Models connect(String region, String endpoint) {
    String url = endpoint != null ? endpoint : System.getenv("AWS_ENDPOINT_URL");
    var builder =
        S3Client.builder()
            .region(Region.of(region))
            .overrideConfiguration(c -> c.apiCallAttemptTimeout(ATTEMPT_TIMEOUT))
            .httpClientBuilder(ApacheHttpClient.builder());
    if (url != null) {
      builder.endpointOverride(URI.create(url)).forcePathStyle(true);
    }
    return new S3Models(builder.build());
  }

  @Override
  public byte[] read(String uri) throws InvalidModelException {
    Matcher parts = URI_FORM.matcher(uri);
    if (!parts.matches()) {
      throw new InvalidModelException(uri + " is not of the form s3://bucket/key", null);
    }
    try (var object = client.getObject(r -> r.bucket(parts.group(1)).key(parts.group(2)))) {
      Long length = object.response().contentLength();
      if (length != null && length > MAX_BYTES) {
        throw new InvalidModelException(
            "%s has %d bytes; the maximum is %d".formatted(uri, length, MAX_BYTES), null);
      }
      return object.readNBytes((int) MAX_BYTES);
    } catch (AwsServiceException e) {
      if (e.isThrottlingException() || e.statusCode() >= 500) {
        throw new UnavailableException(uri + ": " + e.getMessage(), e);
      }
      throw new InvalidModelException(uri + ": " + e.getMessage(), e);
    } catch (SdkClientException | java.io.IOException e) {
      throw new UnavailableException(uri + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
