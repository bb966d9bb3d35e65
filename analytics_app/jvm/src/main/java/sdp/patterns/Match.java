package sdp.patterns;

import java.util.List;

/**
 * What a pattern has found.
 *
 * @param time when, in epoch milliseconds
 * @param event the event that names it
 * @param causes the events that made it, in order
 * @param count how many events, or null
 * @param balance in units of {@link Fixed}, or null
 * @param deviation in standard deviations, or null
 */
record Match(
    String kind,
    long time,
    Event event,
    List<Event> causes,
    Long count,
    Long balance,
    Double deviation) {

  /** The last cause with a text to carry on, or null. */
  Event carrier() {
    Event found = null;
    for (Event cause : causes) {
      found = cause.carries() ? cause : found;
    }
    return found;
  }
}
