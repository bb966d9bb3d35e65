package sdp.patterns;

import java.util.List;
import java.util.Locale;

/** What became of an event, or what was found; texts, so that lists of them can be compared. */
record Result(String text) implements Comparable<Result> {
  static Result found(
      String kind,
      String key,
      long time,
      String id,
      List<String> causes,
      Object count,
      Object balance,
      Double deviation,
      String carried) {
    String far = deviation == null ? "" : String.format(Locale.ROOT, " %.5f", deviation);
    String counted = count == null ? "" : " " + count + " " + balance;
    String whose = carried == null ? "" : " carries " + carried;
    return new Result(
        "%s %s at %d %s of %s%s%s%s".formatted(kind, key, time, id, causes, counted, far, whose));
  }

  static Result refused(String refusal, String key, String id, long time) {
    return new Result("%s %s %s at %d".formatted(refusal, key, id, time));
  }

  boolean isFound() {
    return text.contains(" of [");
  }

  @Override
  public int compareTo(Result other) {
    return text.compareTo(other.text);
  }

  @Override
  public String toString() {
    return text;
  }
}
