package io.tracemill.engine.text;

import java.util.Arrays;
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
    return boxed(answer).or(() -> lastLine(answer));
  }

  /**
   * The content of the last {@code \boxed{...}} whose braces balance and that is not blank. Linear
   * in the length of the text, however many boxes it opens.
   */
  public static Optional<String> boxed(String answer) {
    if (!answer.contains(BOXED)) {
      return Optional.empty();
    }
    // Where the content of each open brace begins; -1 for braces that are no box.
    int[] open = new int[16];
    int depth = 0;
    int bestBegin = -1;
    int bestEnd = -1;
    for (int i = 0; i < answer.length(); i++) {
      char c = answer.charAt(i);
      boolean box = c == '\\' && answer.startsWith(BOXED, i);
      if (box || c == '{') {
        if (depth == open.length) {
          open = Arrays.copyOf(open, 2 * depth);
        }
        open[depth++] = box ? i + BOXED.length() : -1;
        i += box ? BOXED.length() - 1 : 0;
      } else if (c == '\\' && !answer.startsWith(BOXED, i + 1)) {
        i++;
      } else if (c == '}' && depth > 0) {
        int begin = open[--depth];
        if (begin > bestBegin && !answer.substring(begin, i).isBlank()) {
          bestBegin = begin;
          bestEnd = i;
        }
      }
    }
    return bestBegin < 0
        ? Optional.empty()
        : Optional.of(answer.substring(bestBegin, bestEnd).strip());
  }

  /** The last line that is not blank. */
  public static Optional<String> lastLine(String answer) {
    int end = answer.length();
    while (end > 0) {
      int begin =
          Math.max(answer.lastIndexOf('\n', end - 1), answer.lastIndexOf('\r', end - 1)) + 1;
      String line = answer.substring(begin, end).strip();
      if (!line.isEmpty()) {
        return Optional.of(line);
      }
      end = begin - 1;
    }
    return Optional.empty();
  }

  /** Like {@link #extract(String)}; absent where there is no answer part. */
  public static Optional<String> extract(ThinkingSplit split) {
    return split.answer().flatMap(AnswerExtractor::extract);
  }
}
