package sdp.json;

/** Which bytes beyond ASCII are a character (RFC 3629). */
final class Utf8 {

  /** How many bytes the character that starts here has, 2 to 4; 0 if it is none. */
  static int length(byte[] bytes, int at) {
    int first = bytes[at] & 0xFF;
    if (first >= 0xC2 && first <= 0xDF) {
      return follow(bytes, at, 2) ? 2 : 0;
    }
    if (first >= 0xE0 && first <= 0xEF) {
      return follow(bytes, at, 3) && isThree(first, bytes[at + 1] & 0xFF) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
      return follow(bytes, at, 4) && isFour(first, bytes[at + 1] & 0xFF) ? 4 : 0;
    }
    return 0;
  }

  private static boolean follow(byte[] bytes, int at, int length) {
    if (at + length > bytes.length) {
      return false;
    }
    for (int i = at + 1; i < at + length; i++) {
      if ((bytes[i] & 0xC0) != 0x80) {
        return false;
      }
    }
    return true;
  }

  /** Neither longer than needed nor half of a surrogate pair. */
  private static boolean isThree(int first, int second) {
    return first == 0xE0 ? second >= 0xA0 : first != 0xED || second < 0xA0;
  }

  /** Neither longer than needed nor beyond U+10FFFF. */
  private static boolean isFour(int first, int second) {
    return first == 0xF0 ? second >= 0x90 : first != 0xF4 || second < 0x90;
  }

  private Utf8() {}
}
