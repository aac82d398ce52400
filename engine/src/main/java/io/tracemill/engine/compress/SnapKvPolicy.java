package io.tracemill.engine.compress;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.compress.ScoreRule.Fold;
import io.tracemill.engine.compress.ScoreRule.RecentAttention;
import io.tracemill.engine.compress.ScoreRule.Scope;
import io.tracemill.engine.compress.ScoreRule.Smoothing;

/**
 * SnapKV (arXiv 2404.14469) as it is used while decoding: the newest window votes with the largest
 * logit of each group.
 */
final class SnapKvPolicy {
  static final String NAME = "snapkv";

  private SnapKvPolicy() {}

  static KvCompressionPolicy of(KvPolicySettings given) {
    PolicyParameters parameters = new PolicyParameters(NAME, given);
    RowBudget budget =
        RowBudget.read(parameters, new RowBudget.Defaults(RowBudget.Kind.FIXED, 128, 8, 0));
    HeadAggregation aggregation = parameters.choice("aggregation", HeadAggregation.ALL);
    return ScoredPolicy.of(
        parameters, budget, rule(parameters, budget.windowTokens(), aggregation));
  }

  /** The votes of a window, as SnapKV and R-KV count them. */
  static RecentAttention rule(
      PolicyParameters parameters, int queries, HeadAggregation aggregation) {
    return new RecentAttention(
        queries,
        Scope.CANDIDATES,
        Fold.LARGEST_LOGIT,
        aggregation,
        Smoothing.MAXIMUM,
        parameters.poolingKernelSize(7));
  }
}
