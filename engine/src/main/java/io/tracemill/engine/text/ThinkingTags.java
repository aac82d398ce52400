package io.tracemill.engine.text;

/** The tags that reasoning models put around their thinking. */
final class ThinkingTags {
  static final String OPEN = "<think>";
  static final String CLOSE = "</think>";

  private ThinkingTags() {}

  static boolean isTag(String text) {
    return text.equals(OPEN) || text.equals(CLOSE);
  }
}
