package sdp.series;

/** The two series of a join; numbers are those in packed records and in the state. */
final class Side {
  static final int R = 0;
  static final int S = 1;

  static int other(int side) {
    return 1 - side;
  }

  private Side() {}
}
