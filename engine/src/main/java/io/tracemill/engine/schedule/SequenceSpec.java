package io.tracemill.engine.schedule;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.compress.KvCompressionPolicy;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.function.Supplier;

/**
 * One sequence to be generated.
 *
 * @param rowKey identity of its row; with the seed and the sample index it fixes every random draw
 * @param sampleIndex which sample of the row
 * @param promptTokens the whole prompt, at least one token; not mutated
 * @param sampling how tokens are drawn, and the token budget
 * @param policy how its KV cache is kept
 * @param expectedTokens output tokens that it is not likely to exceed; empty where nobody knows
 * @param outputWatch makes the watch of one attempt; a sequence that has to start anew gets another
 */
public record SequenceSpec(
    String rowKey,
    int sampleIndex,
    int[] promptTokens,
    SamplingParams sampling,
    KvCompressionPolicy policy,
    OptionalInt expectedTokens,
    Supplier<OutputWatch> outputWatch) {
  public SequenceSpec {
    Objects.requireNonNull(rowKey, "rowKey");
    Objects.requireNonNull(sampling, "sampling");
    Objects.requireNonNull(policy, "policy");
    Objects.requireNonNull(expectedTokens, "expectedTokens");
    Objects.requireNonNull(outputWatch, "outputWatch");
    if (promptTokens.length == 0) {
      throw new IllegalArgumentException("row " + rowKey + " has a prompt without tokens");
    }
  }

  /** A sequence of which nobody knows how long its output will get. */
  public SequenceSpec(
      String rowKey,
      int sampleIndex,
      int[] promptTokens,
      SamplingParams sampling,
      KvCompressionPolicy policy,
      Supplier<OutputWatch> outputWatch) {
    this(rowKey, sampleIndex, promptTokens, sampling, policy, OptionalInt.empty(), outputWatch);
  }
}
