package io.tracemill.engine.compress;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;

/**
 * TriAttention (arXiv 2604.04921): keys are scored against the mean queries of the model, collected
 * beforehand; no recent query is needed. The option {@code calibration} names the file; the
 * settings in force name its content as well, see {@link CalibrationReference}.
 */
final class TriAttentionPolicy {
  static final String NAME = "triattention";

  private TriAttentionPolicy() {}

  static KvCompressionPolicy of(KvPolicySettings given) {
    PolicyParameters parameters = new PolicyParameters(NAME, given);
    RowBudget budget =
        RowBudget.read(parameters, new RowBudget.Defaults(RowBudget.Kind.FIXED, 128, 128, 0));
    HeadAggregation aggregation = parameters.choice("aggregation", HeadAggregation.ALL);
    String option = "calibration";
    CalibrationReference calibration =
        CalibrationReference.read(
            parameters.required(option, "a file of query statistics of the model"));
    parameters.inForce(option, calibration.toString());
    return ScoredPolicy.of(
        parameters,
        budget,
        new ScoreRule.ExpectedAttention(calibration.calibration(), aggregation));
  }
}
