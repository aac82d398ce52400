package io.tracemill.engine.text;

import java.util.Objects;
import java.util.Optional;

/**
 * A text divided at its thinking tags, where nothing is known about its tokens. {@link
 * ThinkingSplitter} states the rules.
 *
 * @param thinking the thought without its tags; empty if there was none
 * @param answer what follows the last closing tag, or the whole text without tags; absent if the
 *     text ended inside a thought
 */
public record TraceParts(String thinking, Optional<String> answer) {
  public TraceParts {
    Objects.requireNonNull(thinking, "thinking");
    Objects.requireNonNull(answer, "answer");
  }

  /** Divides one output. */
  public static TraceParts of(String text, ThinkingStart start) {
    int close = text.lastIndexOf(ThinkingTags.CLOSE);
    int reopened =
        text.indexOf(ThinkingTags.OPEN, close < 0 ? 0 : close + ThinkingTags.CLOSE.length());
    if (reopened >= 0 || close < 0 && start == ThinkingStart.IN_THINKING) {
      return new TraceParts(withoutOpening(text), Optional.empty());
    }
    if (close < 0) {
      return new TraceParts("", Optional.of(text.strip()));
    }
    String answer = text.substring(close + ThinkingTags.CLOSE.length()).strip();
    return new TraceParts(withoutOpening(text.substring(0, close)), Optional.of(answer));
  }

  private static String withoutOpening(String thought) {
    String stripped = thought.strip();
    return stripped.startsWith(ThinkingTags.OPEN)
        ? stripped.substring(ThinkingTags.OPEN.length()).strip()
        : stripped;
  }
}
