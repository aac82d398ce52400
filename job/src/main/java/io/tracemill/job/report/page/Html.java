package io.tracemill.job.report.page;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Writes HTML. Whatever is given as text or as an attribute's value is escaped; markup comes from
 * tags and drawings of our own only.
 */
final class Html {
  private final StringBuilder out = new StringBuilder();
  private final Deque<String> open = new ArrayDeque<>();

  /**
   * Begins an element.
   *
   * @param attributes names and values in turn
   */
  Html open(String tag, String... attributes) {
    start(tag, attributes);
    open.push(tag);
    return this;
  }

  /** Ends the element begun last. */
  Html close() {
    out.append("</").append(open.pop()).append(">\n");
    return this;
  }

  /** An element that has no content by its nature, such as {@code meta}. */
  Html empty(String tag, String... attributes) {
    start(tag, attributes);
    return this;
  }

  /** A whole element with text inside. */
  Html element(String tag, String text, String... attributes) {
    start(tag, attributes);
    text(text);
    out.append("</").append(tag).append(">\n");
    return this;
  }

  /** Text, shown as it is written. */
  Html text(String text) {
    escape(text);
    return this;
  }

  /** A drawing that this program made. */
  Html drawing(String svg) {
    out.append(svg).append('\n');
    return this;
  }

  /** The page's own style sheet, which no text of a user reaches. */
  Html style(String css) {
    out.append("<style>\n").append(css).append("</style>\n");
    return this;
  }

  private void start(String tag, String... attributes) {
    if (attributes.length % 2 != 0) {
      throw new IllegalArgumentException("an attribute of " + tag + " has no value");
    }
    out.append('<').append(tag);
    for (int i = 0; i < attributes.length; i += 2) {
      out.append(' ').append(attributes[i]).append("=\"");
      escape(attributes[i + 1]);
      out.append('"');
    }
    out.append('>');
  }

  private void escape(String text) {
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '"' -> out.append("&quot;");
                case '\'' -> out.append("&#39;");
                default -> out.appendCodePoint(isShowable(c) ? c : 0xFFFD);
              }
            });
  }

  /**
   * HTML forbids control characters and halves of pairs; marks that turn text around can hide it.
   */
  private static boolean isShowable(int c) {
    boolean control = Character.isISOControl(c) && c != '\n' && c != '\t';
    boolean turning = c >= 0x202A && c <= 0x202E || c >= 0x2066 && c <= 0x2069;
    boolean half = c >= 0xD800 && c <= 0xDFFF;
    return !control && !turning && !half && c != 0xFFFE && c != 0xFFFF;
  }

  /** The document so far. */
  @Override
  public String toString() {
    if (!open.isEmpty()) {
      throw new IllegalStateException("not closed: " + open);
    }
    return "<!doctype html>\n" + out;
  }
}
