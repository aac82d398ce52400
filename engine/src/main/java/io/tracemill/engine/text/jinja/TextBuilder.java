package io.tracemill.engine.text.jinja;

import java.util.Arrays;

/** Builds a {@link Text} piece by piece, keeping origins; for one thread. */
final class TextBuilder {
  private final StringBuilder chars = new StringBuilder();
  private byte[] origins = new byte[64];

  TextBuilder append(Text text) {
    reserve(text.length());
    text.copyOriginsTo(origins, chars.length());
    chars.append(text.value());
    return this;
  }

  TextBuilder append(String text) {
    return append(text, Origin.TEMPLATE);
  }

  TextBuilder append(String text, Origin origin) {
    reserve(text.length());
    Arrays.fill(origins, chars.length(), chars.length() + text.length(), (byte) origin.ordinal());
    chars.append(text);
    return this;
  }

  TextBuilder append(CharSequence text, int begin, int end, Origin origin) {
    reserve(end - begin);
    Arrays.fill(origins, chars.length(), chars.length() + end - begin, (byte) origin.ordinal());
    chars.append(text, begin, end);
    return this;
  }

  int length() {
    return chars.length();
  }

  private void reserve(int more) {
    long needed = (long) chars.length() + more;
    Text.checkLength(needed);
    if (needed > origins.length) {
      origins =
          Arrays.copyOf(
              origins,
              Math.toIntExact(Math.min(Text.MAX_CHARS, Math.max(needed, 2L * origins.length))));
    }
  }

  Text build() {
    return Text.of(chars.toString(), Arrays.copyOf(origins, chars.length()));
  }
}
