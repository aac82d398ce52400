package io.tracemill.engine.api;

import java.util.Objects;
import java.util.OptionalInt;

/**
 * One sample of one row.
 *
 * @param rowKey the row's identity; with the seed and the sample index it fixes every random draw
 * @param sampleIndex which of the row's samples this is, from 0
 * @param prompt what is asked
 * @param sampling how tokens are drawn and when the output ends
 * @param kvPolicy how the KV cache of this sequence is kept
 * @param expectedTokens output tokens that it is not likely to exceed, at least 1, for an admission
 *     that plans with them; it never changes a token. Empty where nobody knows
 */
public record GenerationRequest(
    String rowKey,
    int sampleIndex,
    Prompt prompt,
    SamplingParams sampling,
    KvPolicySettings kvPolicy,
    OptionalInt expectedTokens) {
  public GenerationRequest {
    Objects.requireNonNull(rowKey, "rowKey");
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(sampling, "sampling");
    Objects.requireNonNull(kvPolicy, "kvPolicy");
    if (expectedTokens.isPresent() && expectedTokens.getAsInt() < 1) {
      throw new IllegalArgumentException(expectedTokens.getAsInt() + " tokens expected");
    }
    if (sampleIndex < 0) {
      throw new IllegalArgumentException("sampleIndex " + sampleIndex + " is negative");
    }
  }

  /** A request of which nobody knows how long its output will get. */
  public GenerationRequest(
      String rowKey,
      int sampleIndex,
      Prompt prompt,
      SamplingParams sampling,
      KvPolicySettings kvPolicy) {
    this(rowKey, sampleIndex, prompt, sampling, kvPolicy, OptionalInt.empty());
  }

  /** The same request with a forecast of its length. */
  public GenerationRequest withExpectedTokens(int tokens) {
    return new GenerationRequest(
        rowKey, sampleIndex, prompt, sampling, kvPolicy, OptionalInt.of(tokens));
  }
}
