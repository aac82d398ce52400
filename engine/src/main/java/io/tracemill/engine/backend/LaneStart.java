package io.tracemill.engine.backend;

import io.tracemill.engine.api.SamplingParams;
import java.util.Objects;

/**
 * What a lane needs to know about its sequence.
 *
 * @param lane the lane
 * @param sampling how tokens are drawn; the token budget and stop rules are the scheduler's
 *     business
 * @param randomKey key of the lane's random draws, see {@link CounterRandom}
 * @param promptTokens the whole prompt, for the repetition penalty; not mutated
 * @param queryRingDepth newest queries to keep in each layer, at most the backend's {@link
 *     BackendOptions#queryRingDepth}; 0 for none
 */
public record LaneStart(
    int lane, SamplingParams sampling, long randomKey, int[] promptTokens, int queryRingDepth) {
  public LaneStart {
    Objects.requireNonNull(sampling, "sampling");
    Objects.requireNonNull(promptTokens, "promptTokens");
  }
}
