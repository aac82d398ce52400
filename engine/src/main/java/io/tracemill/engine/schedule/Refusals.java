package io.tracemill.engine.schedule;

import io.tracemill.engine.api.RowError;
import io.tracemill.engine.kvcache.KvLayout;
import java.util.Optional;

/**
 * Tells requests that could never run from those that have to wait.
 *
 * @param options the engine's
 * @param totalPages of the pool
 */
record Refusals(SchedulerOptions options, int totalPages) {

  /**
   * Why a sequence cannot run; empty where it can.
   *
   * @param budgetTokens output tokens that the context leaves it; below 1 where it leaves none
   */
  Optional<RowError> refusal(Sequence sequence, int budgetTokens) {
    SequenceSpec spec = sequence.spec();
    if (budgetTokens < 1) {
      return Optional.of(
          ScheduleErrors.promptTooLong(spec.promptTokens().length, options.maxContextTokens()));
    }
    int ringDepth = spec.policy().needs().queryRingDepth();
    if (ringDepth > options.queryRingDepth()) {
      return Optional.of(ScheduleErrors.ringTooShallow(ringDepth, options.queryRingDepth()));
    }
    if (KvLayout.pagesFor(sequence.peakRows()) > totalPages) {
      return Optional.of(
          ScheduleErrors.poolTooSmall(spec, budgetTokens, sequence.peakRows(), totalPages));
    }
    return Optional.empty();
  }
}
