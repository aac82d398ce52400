package io.tracemill.engine.schedule;

import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * How sequences are scheduled.
 *
 * @param prefillChunkTokens most prompt tokens processed between two decode steps
 * @param maxContextTokens prompt and output together
 * @param queryRingDepth deepest query ring the backend was opened with
 * @param admission when a waiting sequence may start
 * @param stopTokens ids that end an output
 * @param loopRule when an output counts as endless repetition; empty for never
 * @param channelCapacity requests that one channel may have waiting before it blocks
 */
public record SchedulerOptions(
    int prefillChunkTokens,
    int maxContextTokens,
    int queryRingDepth,
    AdmissionMode admission,
    Set<Integer> stopTokens,
    Optional<LoopRule> loopRule,
    int channelCapacity) {

  /** When a waiting sequence may start. */
  public enum AdmissionMode {
    /** Where the pages of all running sequences and its own fit the pool at every future step. */
    LOOKAHEAD,
    /** Where the peaks of all running sequences and its own fit the pool together. */
    RESERVE_PEAK,
    /**
     * As {@link #LOOKAHEAD}, with each sequence counted up to the tokens that are expected of it;
     * see {@link LookaheadAdmission}.
     */
    EXPECTED
  }

  public SchedulerOptions {
    Objects.requireNonNull(admission, "admission");
    Objects.requireNonNull(loopRule, "loopRule");
    stopTokens = Set.copyOf(stopTokens);
    if (prefillChunkTokens < 1
        || maxContextTokens < 2
        || queryRingDepth < 0
        || channelCapacity < 1) {
      throw new IllegalArgumentException(
          "no scheduler: chunk %d, context %d, ring %d, capacity %d"
              .formatted(prefillChunkTokens, maxContextTokens, queryRingDepth, channelCapacity));
    }
  }
}
