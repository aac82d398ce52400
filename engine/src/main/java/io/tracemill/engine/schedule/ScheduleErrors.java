package io.tracemill.engine.schedule;

import io.tracemill.engine.api.RowError;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.kvcache.KvLayout;
import java.time.Duration;

/** The errors of scheduling: rows that cannot run, and engines that cannot go on. */
final class ScheduleErrors {
  private ScheduleErrors() {}

  static RowError promptTooLong(int promptTokens, int maxContextTokens) {
    return new RowError(
        ErrorCode.PROMPT_TOO_LONG,
        ("The prompt has %d tokens and the context holds %d with at least one output token; shorten"
                + " the prompt or raise the context limit.")
            .formatted(promptTokens, maxContextTokens));
  }

  static RowError ringTooShallow(int needed, int available) {
    return new RowError(
        ErrorCode.INVALID_ARGUMENT,
        ("The KV policy selects with the newest %d queries but the engine records %d; open the"
                + " engine with a query ring of at least %d.")
            .formatted(needed, available, needed));
  }

  static RowError poolTooSmall(SequenceSpec spec, int budgetTokens, int peakRows, int totalPages) {
    return new RowError(
        ErrorCode.KV_CACHE_TOO_SMALL,
        ("With %d prompt tokens, up to %d new tokens and KV policy %s the sequence needs %d KV pages"
                + " of %d rows at its peak but the pool has %d; lower max-new-tokens, compress more"
                + " or enlarge the KV cache.")
            .formatted(
                spec.promptTokens().length,
                budgetTokens,
                spec.policy().settings().name(),
                KvLayout.pagesFor(peakRows),
                KvLayout.PAGE_SIZE_TOKENS,
                totalPages));
  }

  static RowError outOfMemory(String doing, ReasoningException cause) {
    return new RowError(
        ErrorCode.OUT_OF_MEMORY,
        "Out of memory while %s with this sequence alone on the device: %s"
            .formatted(doing, cause.getMessage()));
  }

  static RowError notFinite(int tokenIndex) {
    return new RowError(
        ErrorCode.NUMERIC,
        ("The logits of output token %d are not finite: with this prompt the model's arithmetic"
                + " overflows, or its weights are damaged.")
            .formatted(tokenIndex));
  }

  static RowError watchFailed(RuntimeException cause) {
    return new RowError(
        ErrorCode.INTERNAL,
        "The output could not be searched for stop strings: %s.".formatted(cause));
  }

  static ReasoningException callHangs(String call, Duration limit) {
    return new ReasoningException(
        ErrorCode.DEVICE_FAILED,
        ("The backend has not come back from %s within %s, the limit for one call; it is taken for"
                + " hung.")
            .formatted(
                call, limit.toSeconds() > 0 ? limit.toSeconds() + " s" : limit.toMillis() + " ms"));
  }

  static ReasoningException engineDead(Throwable cause) {
    return new ReasoningException(
        ErrorCode.ENGINE_DEAD,
        "The engine has failed and takes no more work: %s"
            .formatted(cause instanceof ReasoningException ? cause.getMessage() : cause),
        cause);
  }
}
