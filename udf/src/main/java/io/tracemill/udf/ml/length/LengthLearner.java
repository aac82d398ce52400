package io.tracemill.udf.ml.length;

import java.util.Arrays;
import java.util.Locale;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.ml.regression.AFTSurvivalRegression;
import org.apache.spark.ml.regression.AFTSurvivalRegressionModel;
import org.apache.spark.ml.regression.GBTRegressionModel;
import org.apache.spark.ml.regression.GBTRegressor;
import org.apache.spark.ml.regression.LinearRegression;
import org.apache.spark.ml.regression.LinearRegressionModel;
import org.apache.spark.ml.regression.RegressionModel;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Ways to learn the location of a trace's log length from its prompt. */
enum LengthLearner {
  /**
   * Accelerated failure time with Weibull lengths: takes truncated traces as what they are. Without
   * regularisation, so over the few features of the summary only.
   */
  AFT,
  /** Ridge regression of the log length. */
  LINEAR,
  /** Boosted trees of the log length. */
  GBT;

  private static final int AFT_STEPS = 30;
  private static final double AFT_TOLERANCE = 1e-4;
  private static final double RIDGE = 0.05;
  private static final int TREES = 20;
  private static final int TREE_DEPTH = 4;
  private static final double TREE_STEP = 0.2;

  /** The lower-case name. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  static String[] labels() {
    return Arrays.stream(values()).map(LengthLearner::label).toArray(String[]::new);
  }

  static LengthLearner of(String label) {
    return valueOf(label.toUpperCase(Locale.ROOT));
  }

  /** The features that it reads. */
  Vector features(String prompt) {
    return this == AFT ? PromptFeatures.summary(prompt) : PromptFeatures.all(prompt);
  }

  /** Learns from the columns of {@link TrainingRows}. */
  RegressionModel<Vector, ?> fit(Dataset<Row> rows) {
    return switch (this) {
      case AFT ->
          new AFTSurvivalRegression()
              .setFeaturesCol(TrainingRows.SUMMARY)
              .setLabelCol(TrainingRows.TOKENS)
              .setCensorCol(TrainingRows.SEEN)
              // A step is a Spark job; the residual's quantiles forgive the last digits.
              .setMaxIter(AFT_STEPS)
              .setTol(AFT_TOLERANCE)
              .fit(rows);
      case LINEAR ->
          new LinearRegression()
              .setFeaturesCol(TrainingRows.ALL)
              .setLabelCol(TrainingRows.LOG_TOKENS)
              .setRegParam(RIDGE)
              .setElasticNetParam(0)
              .fit(rows);
      case GBT ->
          new GBTRegressor()
              .setFeaturesCol(TrainingRows.ALL)
              .setLabelCol(TrainingRows.LOG_TOKENS)
              .setMaxIter(TREES)
              .setMaxDepth(TREE_DEPTH)
              .setStepSize(TREE_STEP)
              .setSeed(1)
              .fit(rows);
    };
  }

  /** The location that a model of this kind predicts. */
  double location(RegressionModel<Vector, ?> model, Vector features) {
    double predicted = model.predict(features);
    return this == AFT ? Math.log(predicted) : predicted;
  }

  /** Reads a model of this kind. */
  RegressionModel<Vector, ?> load(String path) {
    return switch (this) {
      case AFT -> AFTSurvivalRegressionModel.load(path);
      case LINEAR -> LinearRegressionModel.load(path);
      case GBT -> GBTRegressionModel.load(path);
    };
  }
}
