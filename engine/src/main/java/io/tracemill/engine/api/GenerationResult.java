package io.tracemill.engine.api;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The outcome of one request. Every submitted request ends in exactly one result.
 *
 * @param rowKey the request's row key
 * @param sampleIndex the request's sample index
 * @param finishReason why it ended
 * @param error present exactly where {@code finishReason} is {@link FinishReason#ERROR}
 * @param text the output as text
 * @param tokens token counts
 * @param tokenIds the generated ids, the one that ended the output included
 * @param kv what its cache held
 * @param timings where its time went
 * @param copiedFrom key of the row whose output this is, where an identical request was generated
 *     for both; empty for an output of its own
 */
public record GenerationResult(
    String rowKey,
    int sampleIndex,
    FinishReason finishReason,
    Optional<RowError> error,
    TraceText text,
    TokenCounts tokens,
    List<Integer> tokenIds,
    KvAccount kv,
    Timings timings,
    Optional<String> copiedFrom) {
  public GenerationResult {
    Objects.requireNonNull(rowKey, "rowKey");
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(tokens, "tokens");
    Objects.requireNonNull(kv, "kv");
    Objects.requireNonNull(timings, "timings");
    tokenIds = List.copyOf(tokenIds);
    if (error.isPresent() != (finishReason == FinishReason.ERROR)) {
      throw new IllegalArgumentException("finish reason " + finishReason + " with error " + error);
    }
  }

  /** An output of its own. */
  public GenerationResult(
      String rowKey,
      int sampleIndex,
      FinishReason finishReason,
      Optional<RowError> error,
      TraceText text,
      TokenCounts tokens,
      List<Integer> tokenIds,
      KvAccount kv,
      Timings timings) {
    this(
        rowKey,
        sampleIndex,
        finishReason,
        error,
        text,
        tokens,
        tokenIds,
        kv,
        timings,
        Optional.empty());
  }
}
