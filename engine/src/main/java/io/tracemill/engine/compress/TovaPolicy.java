package io.tracemill.engine.compress;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.compress.ScoreRule.Fold;
import io.tracemill.engine.compress.ScoreRule.RecentAttention;
import io.tracemill.engine.compress.ScoreRule.Scope;
import io.tracemill.engine.compress.ScoreRule.Smoothing;

/**
 * TOVA (arXiv 2401.06104): the rows that the newest query attends to least go, by the mean over all
 * heads.
 */
final class TovaPolicy {
  static final String NAME = "tova";

  private TovaPolicy() {}

  static KvCompressionPolicy of(KvPolicySettings given) {
    PolicyParameters parameters = new PolicyParameters(NAME, given);
    RowBudget budget =
        RowBudget.read(parameters, new RowBudget.Defaults(RowBudget.Kind.FIXED, 16, 1, 0));
    return ScoredPolicy.of(
        parameters,
        budget,
        new RecentAttention(
            1, Scope.ALL_ROWS, Fold.MEAN, HeadAggregation.ALL, Smoothing.AVERAGE, 1));
  }
}
