package io.tracemill.engine.text;

/** Refuses text that has no UTF-8 form. */
final class UnicodeChecks {
  private UnicodeChecks() {}

  /** The offset of the first half of a surrogate pair without its other half, or -1. */
  static int loneSurrogate(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        return i;
      }
    }
    return -1;
  }

  /**
   * Fails if a text holds a lone surrogate.
   *
   * @param where what the text is, for the message
   */
  static void requireCharacters(String text, String where) {
    int offset = loneSurrogate(text);
    if (offset >= 0) {
      throw TextErrors.loneSurrogate(where, offset, text.charAt(offset));
    }
  }
}
