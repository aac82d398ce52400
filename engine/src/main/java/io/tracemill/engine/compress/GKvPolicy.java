package io.tracemill.engine.compress;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.compress.ScoreRule.Fold;
import io.tracemill.engine.compress.ScoreRule.RecentAttention;
import io.tracemill.engine.compress.ScoreRule.Scope;
import io.tracemill.engine.compress.ScoreRule.Smoothing;

/** G-KV (arXiv 2512.00504): importance with a memory, less redundancy. */
final class GKvPolicy {
  static final String NAME = "g-kv";

  private GKvPolicy() {}

  static KvCompressionPolicy of(KvPolicySettings given) {
    PolicyParameters parameters = new PolicyParameters(NAME, given);
    RowBudget budget =
        RowBudget.read(parameters, new RowBudget.Defaults(RowBudget.Kind.FIXED, 128, 16, 0));
    HeadAggregation aggregation = parameters.choice("aggregation", HeadAggregation.ALL);
    return ScoredPolicy.of(
        parameters,
        budget,
        new ScoreRule.StoredMaximum(
            new RecentAttention(
                budget.windowTokens(),
                Scope.ALL_ROWS,
                Fold.LARGEST_SHARE,
                aggregation,
                Smoothing.AVERAGE,
                1),
            (float) parameters.decimal("decay", 0.8, 0, 1),
            (float) parameters.decimal("redundancy-weight", 0.5, 0, 1)));
  }
}
