package sdp.load;

import static io.gatling.javaapi.core.CoreDsl.StringBody;
import static io.gatling.javaapi.core.CoreDsl.feed;
import static io.gatling.javaapi.core.CoreDsl.global;
import static io.gatling.javaapi.core.CoreDsl.regex;
import static io.gatling.javaapi.core.CoreDsl.scenario;
import static io.gatling.javaapi.http.HttpDsl.http;
import static io.gatling.javaapi.http.HttpDsl.status;

import io.gatling.javaapi.core.ScenarioBuilder;
import io.gatling.javaapi.core.Session;
import io.gatling.javaapi.core.Simulation;
import io.gatling.javaapi.http.HttpProtocolBuilder;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Sends a file of generated events through the ingestion API, in their order, in batches.
 *
 * <p>Each request must be answered with 202: every event of its batch is accepted. It fails if one
 * is not, or if the 99th percentile of the response times is above the limit.
 */
public final class LoadSimulation extends Simulation {
  private static final String ACCEPTED = "\"accepted\": ?(\\d+)";

  private final Settings settings = Settings.read();
  private final AtomicLong accepted = new AtomicLong();

  private final HttpProtocolBuilder api =
      http.baseUrl(settings.url())
          .header("x-api-key", settings.apiKey())
          .header("content-type", "application/x-ndjson")
          .shareConnections();

  private final ScenarioBuilder sender =
      scenario("sender")
          .exec(feed(new Batches(settings.file(), settings.batch())))
          .exec(
              http("events")
                  .post("/events")
                  .body(StringBody("#{" + Batches.BODY + "}"))
                  .check(status().is(202), regex(ACCEPTED).optional().saveAs("accepted")))
          .exec(this::count);

  private Session count(Session session) {
    if (session.contains("accepted")) {
      accepted.addAndGet(Long.parseLong(session.getString("accepted")));
    }
    return session;
  }

  /** Also those of a request that failed: some events of a batch may have been accepted. */
  @Override
  public void after() {
    System.out.printf("%n> accepted events: %d%n", accepted.get());
  }

  {
    setUp(sender.injectOpen(settings.profile().steps(settings.rate(), settings.seconds())))
        .protocols(api)
        .assertions(
            global().failedRequests().count().is(0L),
            global().responseTime().percentile(99.0).lt(settings.p99Millis()));
  }
}
