package sdp.functions;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/** Runs a correlation as Flink would: keyed state, a watermark that only grows, timers. */
final class Arrivals {

  /** A record as it arrives, and the watermark when it does. */
  record Arrival(int id, String key, int stage, long time, long watermark) {}

  /** What came out; {@code id} is -1 for a closed key. */
  record Result(Outcome outcome, String key, int stage, int id) {}

  private record Timer(long time, String key) {}

  private final Correlation rules;
  private final Map<String, Correlation.Key<Arrival>> keys = new HashMap<>();
  private final PriorityQueue<Timer> timers =
      new PriorityQueue<>((a, b) -> Long.compare(a.time, b.time));
  private final List<Result> results = new ArrayList<>();

  private Arrivals(Correlation rules) {
    this.rules = rules;
  }

  static List<Result> run(Correlation rules, List<Arrival> arrivals) {
    Arrivals run = new Arrivals(rules);
    for (Arrival arrival : arrivals) {
      run.advance(arrival.watermark);
      run.accept(arrival);
    }
    run.advance(Long.MAX_VALUE);
    assert run.keys.isEmpty() : "state is left behind";
    return run.results;
  }

  private void accept(Arrival arrival) {
    if (rules.isLate(arrival.time, arrival.watermark)) {
      results.add(new Result(Outcome.LATE, arrival.key, arrival.stage, arrival.id));
      return;
    }
    var key = keys.computeIfAbsent(arrival.key, k -> new Correlation.Key<>(rules.stages()));
    schedule(
        rules.accept(key, arrival.stage, arrival.time, arrival, sink(arrival.key)), arrival.key);
  }

  private void advance(long watermark) {
    while (!timers.isEmpty() && timers.peek().time <= watermark) {
      Timer timer = timers.poll();
      var key = keys.get(timer.key);
      if (key == null) {
        continue;
      }
      long next = rules.expire(key, timer.time, sink(timer.key));
      if (next == Correlation.NO_TIMER) {
        keys.remove(timer.key);
      }
      schedule(next, timer.key);
    }
  }

  private void schedule(long time, String key) {
    if (time != Correlation.NO_TIMER) {
      timers.add(new Timer(time, key));
    }
  }

  private Correlation.Sink<Arrival> sink(String key) {
    return (outcome, stage, record) ->
        results.add(new Result(outcome, key, stage, record == null ? -1 : record.id));
  }
}
