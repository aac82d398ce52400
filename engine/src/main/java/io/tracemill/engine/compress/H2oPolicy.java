package io.tracemill.engine.compress;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.compress.ScoreRule.Fold;
import io.tracemill.engine.compress.ScoreRule.RecentAttention;
import io.tracemill.engine.compress.ScoreRule.Scope;
import io.tracemill.engine.compress.ScoreRule.Smoothing;

/**
 * H2O (arXiv 2306.14048): half of the rows are the newest, half those that have received most
 * attention. Attention is added up at the end of every interval from the queries of that interval.
 */
final class H2oPolicy {
  static final String NAME = "h2o";

  private H2oPolicy() {}

  static KvCompressionPolicy of(KvPolicySettings given) {
    PolicyParameters parameters = new PolicyParameters(NAME, given);
    RowBudget budget =
        RowBudget.read(
            parameters,
            new RowBudget.Defaults(RowBudget.Kind.FIXED, 128, 1024, 0),
            IntervalSchedule.Watch.EVERY_INTERVAL);
    int queries = parameters.number("queries", 128, 1, 4096);
    Fold fold = parameters.choice("fold", Fold.MEAN);
    HeadAggregation aggregation = parameters.choice("aggregation", HeadAggregation.ALL);
    return ScoredPolicy.of(
        parameters,
        budget,
        new ScoreRule.AccumulatedAttention(
            new RecentAttention(queries, Scope.ALL_ROWS, fold, aggregation, Smoothing.AVERAGE, 1)));
  }
}
