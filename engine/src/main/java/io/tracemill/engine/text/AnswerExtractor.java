package io.tracemill.engine.text;

import java.util.Optional;

/** Reads the final answer out of the answer part of an output. */
public final class AnswerExtractor {
  private static final String BOXED = "\\boxed{";

  private AnswerExtractor() {}

  /**
   * The content of the last {@code \boxed{...}} whose braces balance and that is not blank, else
   * the last line that is not blank; absent if there is neither.
   */
  public static Optional<String> extract(String answer) {
    for (int at = answer.lastIndexOf(BOXED);
        at >= 0;
        at = at == 0 ? -1 : answer.lastIndexOf(BOXED, at - 1)) {
      int begin = at + BOXED.length();
      int end = closingBrace(answer, begin);
      if (end >= 0 && !answer.substring(begin, end).isBlank()) {
        return Optional.of(answer.substring(begin, end).strip());
      }
    }
    return answer
        .lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty())
        .reduce((first, second) -> second);
  }

  /** Like {@link #extract(String)}; absent where there is no answer part. */
  public static Optional<String> extract(ThinkingSplit split) {
    return split.answer().flatMap(AnswerExtractor::extract);
  }

  /**
   * The brace that closes one opened before {@code begin}, or -1; braces behind a backslash are
   * text.
   */
  private static int closingBrace(String text, int begin) {
    int depth = 1;
    for (int i = begin; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\') {
        i++;
      } else if (c == '{') {
        depth++;
      } else if (c == '}' && --depth == 0) {
        return i;
      }
    }
    return -1;
  }
}
