package io.tracemill.udf.ml.length;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.ml.MlSession;
import io.tracemill.udf.ml.length.TrainingRows.Trace;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.ml.regression.GBTRegressionModel;
import org.apache.spark.ml.regression.GBTRegressor;
import org.apache.spark.ml.regression.RegressionModel;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The trees are those of Spark ML, to the last bit: sums are taken in the same order. */
class TestBoostedTrees {
  private final SparkSession spark = MlSession.get();
  private final long seed = Long.getLong("tests.seed", 11L);

  @Test
  void theDemosLengthsArePredictedAsBySparkAndWithoutAJob() throws Exception {
    List<Trace> traces =
        DemoLengths.all().stream()
            .map(each -> new Trace(each.prompt(), Math.min(each.tokens(), 1500), false))
            .toList();
    List<Trace> seen = traces.subList(0, 400);
    AtomicInteger jobs = new AtomicInteger();
    SparkListener counter =
        new SparkListener() {
          @Override
          public void onJobStart(SparkListenerJobStart start) {
            jobs.incrementAndGet();
          }
        };
    spark.sparkContext().listenerBus().waitUntilEmpty();
    spark.sparkContext().addSparkListener(counter);
    ToDoubleFunction<String> own;
    try {
      own = LengthLearner.GBT.locations(seen, spark);
      spark.sparkContext().listenerBus().waitUntilEmpty();
    } finally {
      spark.sparkContext().removeSparkListener(counter);
    }
    assertThat(jobs).hasValue(0);
    RegressionModel<Vector, ?> sparks =
        LengthLearner.GBT.fit(new TrainingRows(seen).toDataset(spark));
    for (Trace trace : traces) {
      assertThat(own.applyAsDouble(trace.prompt()))
          .as(trace.prompt())
          .isEqualTo(sparks.predict(LengthLearner.GBT.features(trace.prompt())));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 33, 300})
  void soAreRowsWithEqualValuesZerosAndFeaturesThatNeverChange(int rows) {
    Random random = new Random(seed + rows);
    double[][] features = new double[rows][];
    double[] labels = new double[rows];
    for (int i = 0; i < rows; i++) {
      double few = random.nextInt(4) - 2;
      features[i] =
          new double[] {
            3, few * 0.0, random.nextInt(40), few, few, random.nextGaussian(), random.nextInt(2)
          };
      labels[i] = few + random.nextInt(3) + (features[i][2] > 20 ? 1 : 0);
    }
    StructType type =
        new StructType()
            .add("features", SQLDataTypes.VectorType())
            .add("label", DataTypes.DoubleType);
    GBTRegressionModel sparks =
        new GBTRegressor()
            .setMaxIter(4)
            .setMaxDepth(3)
            .setStepSize(0.3)
            .fit(
                spark
                    .createDataFrame(
                        IntStream.range(0, rows)
                            .mapToObj(i -> RowFactory.create(Vectors.dense(features[i]), labels[i]))
                            .toList(),
                        type)
                    .coalesce(1));
    BoostedTrees own = new BoostedTrees(features, labels, new BoostedTrees.Shape(4, 3, 0.3));
    for (double[] row : features) {
      assertThat(own.predict(row))
          .as("seed %d", seed)
          .isEqualTo(sparks.predict(Vectors.dense(row)));
    }
  }

  @Test
  void equalLabelsAreOneLeaf() {
    BoostedTrees trees =
        new BoostedTrees(
            new double[][] {{1}, {2}, {3}},
            new double[] {5, 5, 5},
            new BoostedTrees.Shape(3, 2, 0.5));
    assertThat(trees.predict(new double[] {9})).isEqualTo(5);
  }
}
