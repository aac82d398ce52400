package io.tracemill.engine.compress;

import io.tracemill.engine.api.KvPolicySettings;

/**
 * Random candidates under RPC's budget: the control that a score has to beat. Draws are fixed by
 * the seed of the sequence.
 */
final class RandomPolicy {
  static final String NAME = "random";

  private RandomPolicy() {}

  static KvCompressionPolicy of(KvPolicySettings given) {
    PolicyParameters parameters = new PolicyParameters(NAME, given);
    RowBudget budget =
        RowBudget.read(parameters, new RowBudget.Defaults(RowBudget.Kind.GROWING, 128, 32, 0));
    return ScoredPolicy.of(parameters, budget, new ScoreRule.RandomDraw());
  }
}
