package io.tracemill.job.calibrate;

import io.tracemill.engine.compress.CalibratedModel;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.run.ModelFolder;

/** Whether a policy's calibration was collected from the model that it is to be used with. */
public final class CalibrationCheck {
  private CalibrationCheck() {}

  /**
   * Refuses a calibration of another model, which might have the same shape.
   *
   * @throws io.tracemill.job.error.JobException where that is known
   */
  public static void requireSameModel(KvCompressionPolicy policy, ModelFolder model) {
    if (policy.scoreRule().orElse(null) instanceof ScoreRule.ExpectedAttention expected) {
      CalibratedModel calibrated = expected.calibration().origin().model();
      if (calibrated.differsFrom(new CalibratedModel(model.modelId(), model.contentHash()))) {
        throw JobErrors.calibrationOfAnotherModel(
            policy.settings().options().get("calibration").replaceFirst("#[0-9a-f]{16}$", ""),
            calibrated.name(),
            model.modelId());
      }
    }
  }
}
