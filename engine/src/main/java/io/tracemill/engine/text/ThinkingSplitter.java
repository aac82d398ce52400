package io.tracemill.engine.text;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * Divides outputs of one model into thinking and answer.
 *
 * <p>The answer is what follows the last {@code </think>}, as chat templates read it back: an
 * opening tag inside a thought is part of it, and a closing tag that nothing opened ends a thought
 * that the model began without a tag. An output that opened a tag, or began inside one, and never
 * closed it is all thinking. An output without tags is all answer. Threads: may be shared.
 */
public final class ThinkingSplitter {
  private final Tokenizer tokenizer;

  public ThinkingSplitter(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Divides one output.
   *
   * @param text the text of the output with thinking tags written out, possibly cut at a stop
   *     string
   * @param ids all generated ids, the one that ended the output included
   * @param start where the output begins
   */
  public ThinkingSplit split(String text, int[] ids, ThinkingStart start) {
    TraceParts parts = TraceParts.of(text, start);
    if (parts.answer().isEmpty()) {
      return new ThinkingSplit(parts.thinking(), Optional.empty(), ids.length, 0);
    }
    int close = text.lastIndexOf(ThinkingTags.CLOSE);
    int thinkingTokens =
        close < 0 ? 0 : tokensThrough(text, close + ThinkingTags.CLOSE.length(), ids);
    return new ThinkingSplit(
        parts.thinking(), parts.answer(), thinkingTokens, ids.length - thinkingTokens);
  }

  /** How many ids it takes to write the text up to {@code end}, where its last closing tag ends. */
  private int tokensThrough(String text, int end, int[] ids) {
    OptionalInt closeId = tokenizer.addedTokenId(ThinkingTags.CLOSE);
    int tags = occurrences(text);
    if (closeId.isPresent()) {
      int seen = 0;
      for (int i = 0; i < ids.length; i++) {
        if (ids[i] == closeId.getAsInt() && ++seen == tags) {
          return i + 1;
        }
      }
    }
    // The tag is spelled by ordinary tokens: decode once more and count.
    IncrementalDecoder decoder =
        new IncrementalDecoder(tokenizer, SpecialTokenOutput.THINKING_TAGS);
    long chars = 0;
    for (int i = 0; i < ids.length; i++) {
      chars += decoder.append(ids[i]).length();
      if (chars >= end) {
        return i + 1;
      }
    }
    return ids.length;
  }

  private static int occurrences(String text) {
    int count = 0;
    for (int at = text.indexOf(ThinkingTags.CLOSE);
        at >= 0;
        at = text.indexOf(ThinkingTags.CLOSE, at + 1)) {
      count++;
    }
    return count;
  }
}
