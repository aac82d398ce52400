package io.tracemill.udf.ml.length;

import java.io.Serializable;
import java.util.Arrays;
import java.util.Optional;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.ml.regression.RegressionModel;

/**
 * What a {@link TraceLengthModel} has learned, in the form that travels to executors: a learner
 * with its model, or neither where all prompts get the same prediction, and the quantiles of the
 * residual.
 *
 * <p><b>Threads.</b> Any; nothing changes.
 */
public final class LengthPredictor implements Serializable {
  private static final long serialVersionUID = 1L;

  // Null both or none: Optional does not travel.
  private final LengthLearner learner;
  private final RegressionModel<Vector, ?> model;
  private final double[] residualQuantiles;

  LengthPredictor(
      Optional<LengthLearner> learner,
      Optional<RegressionModel<Vector, ?>> model,
      double[] residualQuantiles) {
    if (learner.isPresent() != model.isPresent()) {
      throw new IllegalArgumentException("a learner without a model, or the other way round");
    }
    this.learner = learner.orElse(null);
    this.model = model.orElse(null);
    this.residualQuantiles = residualQuantiles.clone();
  }

  Optional<LengthLearner> learner() {
    return Optional.ofNullable(learner);
  }

  Optional<RegressionModel<Vector, ?>> model() {
    return Optional.ofNullable(model);
  }

  double[] residualQuantiles() {
    return Arrays.copyOf(residualQuantiles, residualQuantiles.length);
  }

  /** Whether prompts get predictions of their own. */
  public boolean tellsPromptsApart() {
    return learner != null;
  }

  /** The prediction for a prompt; null stands for an empty one. */
  public LengthDistribution predict(String prompt) {
    double location =
        learner == null
            ? 0
            : learner.location(model, learner.features(prompt == null ? "" : prompt));
    return new LengthDistribution(location, residualQuantiles);
  }
}
