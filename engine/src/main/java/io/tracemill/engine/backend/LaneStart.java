package io.tracemill.engine.backend;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.kvcache.KvLayout;
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
 * @param presetRows rows at the start of the prompt that lie in the cache already, in whole pages
 *     that other lanes with the same prompt may hold too; the lane only reads them. At least one
 *     prompt token is left to be prefilled. 0 where a repetition penalty applies, since devices
 *     mark prompt tokens as seen while they read them
 */
public record LaneStart(
    int lane,
    SamplingParams sampling,
    long randomKey,
    int[] promptTokens,
    int queryRingDepth,
    int presetRows) {
  public LaneStart {
    Objects.requireNonNull(sampling, "sampling");
    Objects.requireNonNull(promptTokens, "promptTokens");
    if (presetRows < 0
        || presetRows % KvLayout.PAGE_SIZE_TOKENS != 0
        || (presetRows > 0 && presetRows >= promptTokens.length)
        || (presetRows > 0 && sampling.repetitionPenalty() != 1)) {
      throw new IllegalArgumentException(
          "no start: %d rows preset of a prompt of %d, repetition penalty %s"
              .formatted(presetRows, promptTokens.length, sampling.repetitionPenalty()));
    }
  }

  /** A lane whose whole prompt is still to be read. */
  public LaneStart(
      int lane, SamplingParams sampling, long randomKey, int[] promptTokens, int queryRingDepth) {
    this(lane, sampling, randomKey, promptTokens, queryRingDepth, 0);
  }
}
