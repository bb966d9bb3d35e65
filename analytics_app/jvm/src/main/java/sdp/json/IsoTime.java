package sdp.json;

import java.time.LocalDate;
import java.time.YearMonth;

/** Reads a time of RFC 3339 in UTC, with up to three decimals, from its bytes. */
final class IsoTime {

  /** The bytes are no such time. */
  static final long NONE = Long.MIN_VALUE;

  private static final long DAY = 86_400_000L;
  private static final int SECONDS_END = "2026-11-21T10:00:00".length();
  private static final int MOST_DECIMALS = 3;

  private int year;
  private int month;
  private int day;
  private long dayMillis;

  /** Epoch milliseconds, or {@link #NONE}. */
  long read(byte[] text, int from, int to) {
    int decimals = to - from - SECONDS_END - 2;
    if (decimals < -1 || decimals > MOST_DECIMALS || decimals == 0 || text[to - 1] != 'Z') {
      return NONE;
    }
    long date = date(text, from);
    long time = time(text, from + 11);
    long millis = decimals < 0 ? 0 : millis(text, from + SECONDS_END, decimals);
    boolean separated = text[from + 10] == 'T';
    return !separated || date == NONE || time < 0 || millis < 0 ? NONE : date + time + millis;
  }

  /** Most dates of a stream are the one before. */
  private long date(byte[] text, int at) {
    int y = number(text, at, 4);
    int m = number(text, at + 5, 2);
    int d = number(text, at + 8, 2);
    if (y < 0 || text[at + 4] != '-' || text[at + 7] != '-') {
      return NONE;
    }
    if (y == year && m == month && d == day) {
      return dayMillis;
    }
    if (y == 0 || m < 1 || m > 12 || d < 1 || d > YearMonth.of(y, m).lengthOfMonth()) {
      return NONE;
    }
    year = y;
    month = m;
    day = d;
    dayMillis = LocalDate.of(y, m, d).toEpochDay() * DAY;
    return dayMillis;
  }

  private static long time(byte[] text, int at) {
    int hour = number(text, at, 2);
    int minute = number(text, at + 3, 2);
    int second = number(text, at + 6, 2);
    boolean valid = hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second < 60;
    boolean separated = text[at + 2] == ':' && text[at + 5] == ':';
    return valid && separated && second >= 0 ? ((hour * 60L + minute) * 60 + second) * 1000 : -1;
  }

  private static long millis(byte[] text, int at, int decimals) {
    int value = number(text, at + 1, decimals);
    if (value < 0 || text[at] != '.') {
      return -1;
    }
    return decimals == 1 ? value * 100L : decimals == 2 ? value * 10L : value;
  }

  /** The number in the given digits, or -1. */
  private static int number(byte[] text, int at, int digits) {
    int value = 0;
    for (int i = at; i < at + digits; i++) {
      int digit = text[i] - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      value = value * 10 + digit;
    }
    return value;
  }
}
