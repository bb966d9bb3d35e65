package sdp.decisions;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import sdp.decisions.Decider.Considered;
import sdp.decisions.Scores.Candidate;
import sdp.decisions.Scores.Score;

/**
 * Decisions that are made together: scoring several candidates at once takes a model a tenth of the
 * time. They come out in the order in which their events were added.
 */
final class Decisions {
  /** As many candidates, or events, are decided before there are more; more are hardly faster. */
  private static final int TOGETHER = 64;

  private final Decider decider;
  private final Scores scores;
  private final Deciding.Outcomes outcomes;
  private final List<Waiting> waiting = new ArrayList<>();
  private final List<Candidate> candidates = new ArrayList<>();

  private record Waiting(
      long time,
      Map<String, Object> event,
      Map<String, Object> profile,
      Considered considered,
      int candidates) {}

  Decisions(Decider decider, Scores scores, Deciding.Outcomes outcomes) {
    this.decider = decider;
    this.scores = scores;
    this.outcomes = outcomes;
  }

  /**
   * Adds a business event.
   *
   * @param profile null if none is known
   */
  void add(String kind, long time, Map<String, Object> event, Map<String, Object> profile) {
    Considered considered = decider.consider(kind, time, event, profile);
    List<Candidate> proposed = considered.candidates();
    waiting.add(new Waiting(time, event, profile, considered, proposed.size()));
    candidates.addAll(proposed);
    if (Math.max(waiting.size(), candidates.size()) >= TOGETHER) {
      make();
    }
  }

  /** Makes the decisions of the events that were added. */
  void make() {
    List<Score> found = scores.of(candidates);
    int from = 0;
    for (Waiting each : waiting) {
      int to = from + each.candidates;
      Decision decision = decider.decide(each.considered, found.subList(from, to));
      outcomes.decided(each.time, each.event, each.profile, decision);
      from = to;
    }
    waiting.clear();
    candidates.clear();
  }
}
