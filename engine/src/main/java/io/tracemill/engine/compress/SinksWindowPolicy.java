package io.tracemill.engine.compress;

import io.tracemill.engine.api.KvPolicySettings;

/**
 * The first and the newest rows (after StreamingLLM, arXiv 2309.17453). Keys keep the positions at
 * which they were rotated, where that paper rotates them by cache slot: hence the name.
 */
final class SinksWindowPolicy {
  static final String NAME = "sinks-window";

  private SinksWindowPolicy() {}

  static KvCompressionPolicy of(KvPolicySettings given) {
    PolicyParameters parameters = new PolicyParameters(NAME, given);
    RowBudget budget =
        RowBudget.read(parameters, new RowBudget.Defaults(RowBudget.Kind.FIXED, 128, 1, 4));
    return ScoredPolicy.of(parameters, budget, new ScoreRule.Newest());
  }
}
