package sdp.load;

import java.nio.file.Path;
import java.util.Locale;

/**
 * What to send where, from system properties; the key from the environment, where no list of
 * processes shows it.
 *
 * @param url UrlForAPI
 * @param file events, one JSON object a line, in the order of sending
 * @param batch events in one request, 1 to 500
 * @param rate requests per second
 * @param p99Millis the limit of the 99th percentile of response times
 */
record Settings(
    String url,
    String apiKey,
    Path file,
    int batch,
    double rate,
    long seconds,
    Profile profile,
    int p99Millis) {

  static Settings read() {
    String key = System.getenv("SDP_API_KEY");
    if (key == null) {
      throw new IllegalArgumentException("SDP_API_KEY is missing: set it to the API key");
    }
    return new Settings(
        required("url"),
        key,
        Path.of(required("file")),
        Integer.parseInt(property("batch", "100")),
        Double.parseDouble(property("rate", "10")),
        Long.parseLong(property("seconds", "60")),
        Profile.valueOf(property("profile", "steady").toUpperCase(Locale.ROOT)),
        Integer.parseInt(property("p99", "1000")));
  }

  private static String required(String name) {
    String value = property(name, null);
    if (value == null) {
      throw new IllegalArgumentException("sdp." + name + " is missing: set it with -D");
    }
    return value;
  }

  private static String property(String name, String otherwise) {
    return System.getProperty("sdp." + name, otherwise);
  }
}
