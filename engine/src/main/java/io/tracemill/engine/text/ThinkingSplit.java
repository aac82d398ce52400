package io.tracemill.engine.text;

import java.util.Objects;
import java.util.Optional;

/**
 * An output divided at its thinking tags. The two counts add up to the number of generated tokens.
 *
 * @param thinking the thought without its tags; empty if there was none
 * @param answer what follows the last closing tag, or the whole text of an output without tags;
 *     absent if the output ended inside a thought
 * @param thinkingTokens tokens up to and including the closing tag
 * @param answerTokens tokens after it
 */
public record ThinkingSplit(
    String thinking, Optional<String> answer, int thinkingTokens, int answerTokens) {
  public ThinkingSplit {
    Objects.requireNonNull(thinking, "thinking");
    Objects.requireNonNull(answer, "answer");
    if (thinkingTokens < 0 || answerTokens < 0) {
      throw new IllegalArgumentException("negative count: " + thinkingTokens + ", " + answerTokens);
    }
  }
}
