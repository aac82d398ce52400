package io.tracemill.engine.compress;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.compress.ScoreRule.Fold;
import io.tracemill.engine.compress.ScoreRule.RecentAttention;
import io.tracemill.engine.compress.ScoreRule.Scope;
import io.tracemill.engine.compress.ScoreRule.Smoothing;

/**
 * VaSE (arXiv 2606.03928): rows with wide values, and a sample of the others in proportion to
 * attention. Draws are fixed by the seed of the sequence.
 */
final class VasePolicy {
  static final String NAME = "vase";

  private VasePolicy() {}

  static KvCompressionPolicy of(KvPolicySettings given) {
    PolicyParameters parameters = new PolicyParameters(NAME, given);
    RowBudget budget =
        RowBudget.read(parameters, new RowBudget.Defaults(RowBudget.Kind.FIXED, 64, 64, 4));
    int wideRows = parameters.number("wide-rows", 512, 0, 1 << 30);
    HeadAggregation aggregation = parameters.choice("aggregation", HeadAggregation.ALL);
    return ScoredPolicy.of(
        parameters,
        budget,
        new ScoreRule.ValueAwareSample(
            new RecentAttention(
                budget.windowTokens(),
                Scope.ALL_ROWS,
                Fold.MEAN,
                aggregation,
                Smoothing.AVERAGE,
                parameters.poolingKernelSize(5)),
            wideRows));
  }
}
