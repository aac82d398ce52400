package io.tracemill.udf.ml.length;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tracemill.udf.ml.MlSession;
import io.tracemill.udf.ml.length.TrainingRows.Trace;
import java.util.List;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.ml.regression.RegressionModel;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestWeibullFit {
  private final SparkSession spark = MlSession.get();

  /** Sums are taken in another order there; a search that ends early shows more of that. */
  @ParameterizedTest
  @ValueSource(ints = {1500, 3000})
  void theDemosLengthsArePredictedAsBySpark(int budget) {
    List<Trace> traces =
        DemoLengths.all().stream()
            .map(
                each ->
                    new Trace(
                        each.prompt(), Math.min(each.tokens(), budget), each.tokens() > budget))
            .toList();
    List<Trace> seen = traces.subList(100, 500);
    ToDoubleFunction<String> own = LengthLearner.AFT.locations(seen, spark);
    RegressionModel<Vector, ?> sparks =
        LengthLearner.AFT.fit(new TrainingRows(seen).toDataset(spark));
    for (Trace trace : traces) {
      assertThat(own.applyAsDouble(trace.prompt()))
          .as(trace.prompt())
          .isCloseTo(
              LengthLearner.AFT.location(sparks, LengthLearner.AFT.features(trace.prompt())),
              within(1e-6));
    }
  }

  @Test
  void aLawOfLengthsIsFoundThoughAThirdOfThemWasCut() {
    long seed = Long.getLong("tests.seed", 3L);
    Random random = new Random(seed);
    int rows = 4000;
    double[][] features = new double[rows][];
    double[] logs = new double[rows];
    boolean[] whole = new boolean[rows];
    int cut = 0;
    for (int i = 0; i < rows; i++) {
      // The second feature never changes: it gets no weight.
      features[i] = new double[] {random.nextGaussian(), 7, random.nextInt(3)};
      double error = Math.log(-Math.log(1 - random.nextDouble()));
      double log = 5 + 0.8 * features[i][0] - 0.5 * features[i][2] + 0.3 * error;
      whole[i] = log < 4.9;
      logs[i] = whole[i] ? log : 4.9;
      cut += whole[i] ? 0 : 1;
    }
    assertThat(cut).isBetween(rows / 4, rows / 2);
    WeibullFit fit = WeibullFit.of(features, logs, whole, 100, 1e-9);
    assertThat(fit.coefficients()[0]).as("seed %d", seed).isCloseTo(0.8, within(0.03));
    assertThat(fit.coefficients()[1]).isZero();
    assertThat(fit.coefficients()[2]).as("seed %d", seed).isCloseTo(-0.5, within(0.03));
    assertThat(fit.location(new double[] {1, 7, 2})).isCloseTo(4.8, within(0.05));
  }
}
