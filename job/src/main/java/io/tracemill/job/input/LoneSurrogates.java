package io.tracemill.job.input;

/**
 * Finds escapes of half a surrogate pair in JSON text. JSON may write them, UTF-8 cannot hold them,
 * and Spark would put a question mark in their place without a word.
 */
final class LoneSurrogates {
  private LoneSurrogates() {}

  /** Whether JSON text has an escape that stands for no character. */
  static boolean inJson(String json) {
    int at = json.indexOf('\\');
    while (at >= 0 && at + 1 < json.length()) {
      int unit = escapedUnit(json, at);
      int next = unit < 0 ? at + 2 : at + 6;
      if (unit >= 0 && Character.isSurrogate((char) unit)) {
        int second = escapedUnit(json, next);
        if (!Character.isHighSurrogate((char) unit)
            || second < 0
            || !Character.isLowSurrogate((char) second)) {
          return true;
        }
        next += 6;
      }
      at = json.indexOf('\\', next);
    }
    return false;
  }

  /** The UTF-16 unit of the escape at {@code at}; -1 where there is none. */
  private static int escapedUnit(String json, int at) {
    if (at + 6 > json.length() || json.charAt(at) != '\\' || json.charAt(at + 1) != 'u') {
      return -1;
    }
    int unit = 0;
    for (int i = at + 2; i < at + 6; i++) {
      int digit = Character.digit(json.charAt(i), 16);
      if (digit < 0) {
        return -1;
      }
      unit = unit * 16 + digit;
    }
    return unit;
  }
}
