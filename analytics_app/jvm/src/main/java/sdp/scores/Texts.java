package sdp.scores;

/**
 * Texts as a graph has them (ml/texts.py): the UTF-8 in which Java hands texts to native code is
 * its own for a NUL and for surrogates, so each of these is escaped as {@code \}{@code uXXXX}, and
 * a backslash as two.
 */
final class Texts {
  static String escaped(String text) {
    for (int at = 0; at < text.length(); at++) {
      if (isEscaped(text.charAt(at))) {
        return escapedFrom(text, at);
      }
    }
    return text;
  }

  private static boolean isEscaped(char unit) {
    return unit == 0 || unit == '\\' || Character.isSurrogate(unit);
  }

  private static String escapedFrom(String text, int first) {
    StringBuilder escaped = new StringBuilder(text.length() + 16).append(text, 0, first);
    for (int at = first; at < text.length(); at++) {
      char unit = text.charAt(at);
      if (unit == '\\') {
        escaped.append("\\\\");
      } else if (isEscaped(unit)) {
        escaped.append("\\u%04x".formatted((int) unit));
      } else {
        escaped.append(unit);
      }
    }
    return escaped.toString();
  }

  private Texts() {}
}
