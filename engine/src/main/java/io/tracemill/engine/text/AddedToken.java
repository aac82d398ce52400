package io.tracemill.engine.text;

import java.util.Objects;

/**
 * A token that the tokenizer finds in a text before anything else, such as {@code <|im_end|>}.
 *
 * @param id its token id
 * @param content its text
 * @param special true if the tokenizer's file marks it as special, so that decoding may skip it
 */
public record AddedToken(int id, String content, boolean special) {
  public AddedToken {
    Objects.requireNonNull(content, "content");
  }

  /**
   * True for tokens that steer a model, which text of a user must not forge: all special ones, and
   * those in brackets such as {@code <think>} that some files do not mark as special. Runs of
   * blanks, say, are no markers.
   */
  public boolean isMarker() {
    return special || content.length() > 2 && (isBetween('<', '>') || isBetween('[', ']'));
  }

  private boolean isBetween(char first, char last) {
    return content.charAt(0) == first && content.charAt(content.length() - 1) == last;
  }
}
