package io.tracemill.engine.backend;

import java.util.Objects;

/**
 * Prompt tokens of one lane.
 *
 * @param lane the lane
 * @param firstPosition logical position of the first token, equal to the rows that the lane holds
 * @param tokens token ids, at least one; not mutated
 * @param last whether the prompt ends here, so that the first output token is sampled
 */
public record PrefillChunk(int lane, int firstPosition, int[] tokens, boolean last) {
  public PrefillChunk {
    Objects.requireNonNull(tokens, "tokens");
    if (tokens.length == 0 || firstPosition < 0) {
      throw new IllegalArgumentException(
          "no chunk: %d tokens at position %d".formatted(tokens.length, firstPosition));
    }
  }
}
