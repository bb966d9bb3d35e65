package sdp.patterns;

/**
 * Amounts as whole numbers of ten-thousandths, so that a sum does not depend on the order. Sums
 * stay at the greatest or the least number.
 */
final class Fixed {
  private static final int UNITS = 10_000;

  static long of(double value) {
    return Math.round(value * UNITS);
  }

  static double value(long fixed) {
    return (double) fixed / UNITS;
  }

  static long minus(long from, long amount) {
    long difference = from - amount;
    boolean isBeyond = ((from ^ amount) & (from ^ difference)) < 0;
    return isBeyond ? from < 0 ? Long.MIN_VALUE : Long.MAX_VALUE : difference;
  }

  private Fixed() {}
}
