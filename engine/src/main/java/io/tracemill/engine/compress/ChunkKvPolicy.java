package io.tracemill.engine.compress;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;
import java.util.Collections;

/**
 * ChunkKV (arXiv 2502.00299) on RPC's score and budget: chunks of neighbouring rows stay or go
 * whole. With the default of 64 rows a chunk is as large as a page.
 */
final class ChunkKvPolicy {
  static final String NAME = "chunkkv";

  private ChunkKvPolicy() {}

  static KvCompressionPolicy of(KvPolicySettings given) {
    PolicyParameters parameters = new PolicyParameters(NAME, given);
    RowBudget budget =
        RowBudget.read(parameters, new RowBudget.Defaults(RowBudget.Kind.GROWING, 128, 32, 0));
    int chunk = parameters.number("chunk", 64, 2, 4096);
    HeadAggregation aggregation = parameters.choice("aggregation", HeadAggregation.ALL);
    return ScoredPolicy.of(
        parameters,
        budget,
        new ScoreRule.ChunkMean(
            new ScoreRule.SelectorAttention(
                Collections.nCopies(budget.windowTokens(), 1f), aggregation, 1),
            chunk));
  }
}
