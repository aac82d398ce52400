package io.tracemill.udf.ml.score;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.EngineHolder;
import io.tracemill.udf.ml.GradedEngine;
import io.tracemill.udf.ml.MlSession;
import io.tracemill.udf.ml.ReasoningTransformer;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.ml.evaluation.Evaluator;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.tuning.CrossValidator;
import org.apache.spark.ml.tuning.CrossValidatorModel;
import org.apache.spark.ml.tuning.ParamGridBuilder;
import org.apache.spark.ml.tuning.TrainValidationSplit;
import org.apache.spark.ml.tuning.TrainValidationSplitModel;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Spark's own tuning over P, R, c and the temperature, on an engine whose answers depend on them.
 */
class TestTuning {
  private static final int ROWS = 60;

  private final SparkSession spark = MlSession.get();
  private final ReasoningTransformer generate =
      new ReasoningTransformer()
          .setModel("/no/model")
          .setTemperature(0)
          .setTopP(1)
          .setTopK(0)
          .setMinP(0)
          .setRepetitionPenalty(1)
          .setKeyCol("id")
          .setQueryRingTokens(128)
          .usingEngines(GradedEngine.Opener.INSTANCE);

  @AfterEach
  void closeEngine() {
    EngineHolder.closeIdle();
  }

  @Test
  void aCrossValidatorFindsTheMostAccurateSettingsAndGeneratesEachRowOncePerSetting() {
    ParamMap[] grid =
        new ParamGridBuilder()
            .addGrid(generate.kvWindow(), new int[] {16, 128})
            .addGrid(generate.kvRatio(), new int[] {2, 8})
            .addGrid(generate.temperature(), new double[] {0, 1})
            .build();
    int asked = GradedEngine.ASKED.get();
    int opened = GradedEngine.OPENED.get();
    CrossValidatorModel tuned =
        new CrossValidator()
            .setEstimator(pipeline())
            .setEvaluator(new AccuracyEvaluator())
            .setEstimatorParamMaps(grid)
            .setNumFolds(3)
            .setParallelism(2)
            .setSeed(5)
            .fit(graded());
    assertThat(GradedEngine.ASKED.get() - asked).isEqualTo(ROWS * grid.length);
    assertThat(GradedEngine.OPENED.get() - opened).isEqualTo(1);
    ReasoningTransformer best = stage(tuned.bestModel());
    assertThat((Integer) best.getOrDefault(best.kvWindow())).isEqualTo(128);
    assertThat((Integer) best.getOrDefault(best.kvRatio())).isEqualTo(2);
    assertThat((Double) best.getOrDefault(best.temperature())).isZero();
    // The best setting answers most of all prompts; the mean over folds says how many.
    double expected = GradedEngine.rightOfHundred(1024, 128, 2, 0) / 100.0;
    assertThat(tuned.avgMetrics()[indexOfBest(tuned, new AccuracyEvaluator())])
        .isBetween(expected - 0.12, expected + 0.12);
  }

  @Test
  void memoryForARightAnswerIsLeastBetweenTheExtremes() {
    ParamMap[] grid =
        new ParamGridBuilder()
            .addGrid(generate.kvInterval(), new int[] {512})
            .addGrid(generate.kvRatio(), new int[] {2, 8, 16})
            .build();
    int asked = GradedEngine.ASKED.get();
    TrainValidationSplitModel tuned =
        new TrainValidationSplit()
            .setEstimator(pipeline())
            .setEvaluator(new KvRowsPerCorrectAnswerEvaluator())
            .setEstimatorParamMaps(grid)
            .setTrainRatio(0.5)
            .setSeed(5)
            .fit(graded());
    ReasoningTransformer best = stage(tuned.bestModel());
    assertThat((Integer) best.getOrDefault(best.kvRatio())).isEqualTo(8);
    int perSetting = (GradedEngine.ASKED.get() - asked) / grid.length;
    assertThat((GradedEngine.ASKED.get() - asked) % grid.length).isZero();
    assertThat(perSetting).as("validation rows").isBetween(ROWS / 4, 3 * ROWS / 4);
  }

  private Pipeline pipeline() {
    return new Pipeline().setStages(new PipelineStage[] {generate});
  }

  /** Prompts spread evenly over what the engine finds easy and hard. */
  private Dataset<Row> graded() {
    return spark
        .range(ROWS)
        .selectExpr(
            "id",
            "string(id * 100 div " + ROWS + ") AS prompt",
            "string(id * 100 div " + ROWS + ") AS answer");
  }

  private static ReasoningTransformer stage(org.apache.spark.ml.Model<?> model) {
    return (ReasoningTransformer) ((PipelineModel) model).stages()[0];
  }

  private static int indexOfBest(CrossValidatorModel tuned, Evaluator evaluator) {
    double[] metrics = tuned.avgMetrics();
    int best = 0;
    for (int i = 1; i < metrics.length; i++) {
      boolean better =
          evaluator.isLargerBetter() ? metrics[i] > metrics[best] : metrics[i] < metrics[best];
      best = better ? i : best;
    }
    return best;
  }
}
