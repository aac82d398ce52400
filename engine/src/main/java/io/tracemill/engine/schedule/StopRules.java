package io.tracemill.engine.schedule;

import io.tracemill.engine.api.FinishReason;
import java.util.Optional;
import java.util.Set;

/**
 * Decides after each token whether an output ends, in this order: stop token, stop string, token
 * budget or context, loop. Shared by all sequences of an engine; not for several threads.
 */
final class StopRules {
  private final int[] stopTokens;
  private final int maxContextTokens;
  private final Optional<LoopDetector> loopDetector;

  StopRules(Set<Integer> stopTokens, int maxContextTokens, Optional<LoopRule> loopRule) {
    this.stopTokens = stopTokens.stream().mapToInt(Integer::intValue).sorted().toArray();
    this.maxContextTokens = maxContextTokens;
    this.loopDetector = loopRule.map(LoopDetector::new);
  }

  /**
   * Output tokens that a sequence may have at most; what the context leaves of its budget. Below 1
   * where the prompt fills the context.
   */
  int budgetTokens(SequenceSpec spec) {
    return Math.min(spec.sampling().maxNewTokens(), maxContextTokens - spec.promptTokens().length);
  }

  /** Why the output ends with its newest token; empty where it goes on. */
  Optional<FinishReason> check(Sequence sequence) {
    int token = sequence.newestToken();
    for (int stop : stopTokens) {
      if (token == stop) {
        return Optional.of(FinishReason.STOP);
      }
    }
    if (sequence.outputWatch().endsAfter(token)) {
      return Optional.of(FinishReason.STOP_STRING);
    }
    if (sequence.numCompletionTokens() >= sequence.budgetTokens()) {
      return Optional.of(FinishReason.LENGTH);
    }
    if (loopDetector.isPresent() && sequence.loops(loopDetector.get())) {
      return Optional.of(FinishReason.LOOP);
    }
    return Optional.empty();
  }
}
