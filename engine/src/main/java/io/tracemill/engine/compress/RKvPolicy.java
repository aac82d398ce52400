package io.tracemill.engine.compress;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;

/** R-KV (arXiv 2505.24133): important rows that do not repeat each other. */
final class RKvPolicy {
  static final String NAME = "r-kv";

  private RKvPolicy() {}

  static KvCompressionPolicy of(KvPolicySettings given) {
    PolicyParameters parameters = new PolicyParameters(NAME, given);
    RowBudget budget =
        RowBudget.read(parameters, new RowBudget.Defaults(RowBudget.Kind.FIXED, 128, 8, 0));
    HeadAggregation aggregation = parameters.choice("aggregation", HeadAggregation.ALL);
    return ScoredPolicy.of(
        parameters,
        budget,
        new ScoreRule.ImportanceMinusRedundancy(
            SnapKvPolicy.rule(parameters, budget.windowTokens(), aggregation),
            (float) parameters.decimal("lambda", 0.1, 0, 1)));
  }
}
