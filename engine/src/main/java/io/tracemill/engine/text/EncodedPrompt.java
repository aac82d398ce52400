package io.tracemill.engine.text;

import java.util.Objects;

/** A prompt as the model gets it. Immutable. */
public final class EncodedPrompt {
  private final String text;
  private final int[] tokenIds;
  private final ThinkingStart thinkingStart;

  EncodedPrompt(String text, int[] tokenIds) {
    this.text = Objects.requireNonNull(text, "text");
    this.tokenIds = tokenIds.clone();
    this.thinkingStart = ThinkingStart.after(text);
  }

  /** The rendered text, special tokens written out. */
  public String text() {
    return text;
  }

  /** The ids, at least one; a copy. */
  public int[] tokenIds() {
    return tokenIds.clone();
  }

  public int numTokens() {
    return tokenIds.length;
  }

  /** Whether the model goes on inside a thought. */
  public ThinkingStart thinkingStart() {
    return thinkingStart;
  }
}
