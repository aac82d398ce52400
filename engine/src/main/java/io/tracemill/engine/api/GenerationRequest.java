package io.tracemill.engine.api;

import java.util.Objects;

/**
 * One sample of one row.
 *
 * @param rowKey the row's identity; with the seed and the sample index it fixes every random draw
 * @param sampleIndex which of the row's samples this is, from 0
 * @param prompt what is asked
 * @param sampling how tokens are drawn and when the output ends
 * @param kvPolicy how the KV cache of this sequence is kept
 */
public record GenerationRequest(
    String rowKey,
    int sampleIndex,
    Prompt prompt,
    SamplingParams sampling,
    KvPolicySettings kvPolicy) {
  public GenerationRequest {
    Objects.requireNonNull(rowKey, "rowKey");
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(sampling, "sampling");
    Objects.requireNonNull(kvPolicy, "kvPolicy");
    if (sampleIndex < 0) {
      throw new IllegalArgumentException("sampleIndex " + sampleIndex + " is negative");
    }
  }
}
