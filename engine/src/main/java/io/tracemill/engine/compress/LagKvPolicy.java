package io.tracemill.engine.compress;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;

/**
 * LagKV (arXiv 2504.04704): partitions are cut down with the one that follows as reference; no
 * queries are needed. Parameters: {@code partition} rows, {@code share} of them that stays, {@code
 * sinks}, {@code prompt}, {@code aggregation}.
 */
final class LagKvPolicy {
  static final String NAME = "lagkv";

  private LagKvPolicy() {}

  static KvCompressionPolicy of(KvPolicySettings given) {
    PolicyParameters parameters = new PolicyParameters(NAME, given);
    int partition = parameters.number("partition", 128, 2, 1 << 20);
    double share = parameters.decimal("share", 0.25, 0, 1);
    int kept = (int) (share * partition);
    if (kept < 1 || kept >= partition) {
      throw PolicyErrors.badOption(
          NAME,
          "share",
          Double.toString(share),
          "a share that leaves at least 1 and at most %d rows of %d"
              .formatted(partition - 1, partition));
    }
    PolicyNeeds.PromptRows prompt = RowBudget.prompt(parameters);
    int sinks = prompt == PolicyNeeds.PromptRows.STAY ? 0 : RowBudget.sinks(parameters, 16);
    HeadAggregation aggregation = parameters.choice("aggregation", HeadAggregation.ALL);
    return ScoredPolicy.of(
        parameters,
        new LagSchedule(partition, kept, prompt, sinks),
        KeepRule.AS_PLANNED,
        prompt,
        new ScoreRule.LagSpread(aggregation));
  }
}
