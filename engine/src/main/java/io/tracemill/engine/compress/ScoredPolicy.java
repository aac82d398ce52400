package io.tracemill.engine.compress;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.compress.PolicyNeeds.Calibration;
import io.tracemill.engine.compress.PolicyNeeds.HeadSets;
import io.tracemill.engine.compress.PolicyNeeds.PromptRows;
import io.tracemill.engine.compress.PolicyNeeds.RowData;
import io.tracemill.engine.compress.PolicyNeeds.Values;
import java.util.Optional;

/** A policy put together from its parts. */
record ScoredPolicy(
    KvPolicySettings settings,
    PolicyNeeds needs,
    CompressionSchedule schedule,
    Optional<ScoreRule> scoreRule,
    KeepRule keepRule)
    implements KvCompressionPolicy {

  /** A policy under a shared budget; what it needs follows from its rules. */
  static ScoredPolicy of(PolicyParameters parameters, RowBudget budget, ScoreRule rule) {
    return of(parameters, budget.schedule(), budget.keep(), budget.prompt(), rule);
  }

  /** A policy with a schedule of its own. */
  static ScoredPolicy of(
      PolicyParameters parameters,
      CompressionSchedule schedule,
      KeepRule keep,
      PromptRows prompt,
      ScoreRule rule) {
    int queries = rule.queries();
    if (keep instanceof KeepRule.AttentionNorm norm) {
      queries = Math.max(queries, norm.queries());
    }
    if (schedule instanceof IntervalSchedule interval && queries > interval.intervalTokens()) {
      throw PolicyErrors.queriesBeyondInterval(
          parameters.policy(), queries, interval.intervalTokens());
    }
    boolean stored =
        rule instanceof ScoreRule.AccumulatedAttention || rule instanceof ScoreRule.StoredMaximum;
    boolean readsValues =
        rule instanceof ScoreRule.LagSpread || rule instanceof ScoreRule.ValueAwareSample;
    return new ScoredPolicy(
        parameters.settings(),
        new PolicyNeeds(
            queries,
            rule.aggregation() == HeadAggregation.ALL ? HeadSets.SHARED : HeadSets.PER_KV_HEAD,
            stored ? RowData.SCORE : RowData.NONE,
            readsValues ? Values.READ : Values.UNREAD,
            prompt,
            rule instanceof ScoreRule.ExpectedAttention ? Calibration.QUERIES : Calibration.NONE),
        schedule,
        Optional.of(rule),
        keep);
  }
}
