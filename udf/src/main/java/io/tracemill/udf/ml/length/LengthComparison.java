package io.tracemill.udf.ml.length;

import io.tracemill.udf.ml.length.KaplanMeier.Observation;
import io.tracemill.udf.ml.length.TrainingRows.Trace;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.ml.regression.RegressionModel;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares learners on traces that they have not seen: the traces are cut into folds by prompt (all
 * samples of a prompt fall into one), each fold is predicted by a model of the others, and the
 * quantiles of the residual come from the other folds' predictions as well.
 */
final class LengthComparison {
  private static final Logger LOG = LoggerFactory.getLogger(LengthComparison.class);
  private static final double[] PROBABILITIES = LengthDistribution.probabilities();

  private final SparkSession spark;
  private final List<Trace> traces;
  private final int folds;
  private final int[] foldOf;

  LengthComparison(SparkSession spark, List<Trace> traces, int folds) {
    this.spark = spark;
    this.traces = traces;
    this.folds = folds;
    this.foldOf =
        traces.stream()
            .mapToInt(trace -> Math.floorMod(trace.prompt().hashCode() * 0x9e3779b9, folds))
            .toArray();
  }

  /**
   * A learner's predictions.
   *
   * @param locations for each trace, by a model that had not seen it
   * @param score how good they are
   */
  record Held(double[] locations, LengthScore score) {}

  /** The same distribution for every prompt: what there is without a model. */
  Held none() {
    return held("none", new double[traces.size()]);
  }

  /** A learner's predictions; empty where it cannot learn from these traces. */
  Optional<Held> of(LengthLearner learner) {
    double[] locations = new double[traces.size()];
    for (int fold = 0; fold < folds; fold++) {
      int left = fold;
      int[] unseen = indexes(i -> foldOf[i] == left);
      int[] seen = indexes(i -> foldOf[i] != left);
      if (unseen.length == 0) {
        continue;
      }
      if (seen.length == 0) {
        return Optional.empty();
      }
      try {
        RegressionModel<Vector, ?> model =
            learner.fit(
                new TrainingRows(IntStream.of(seen).mapToObj(traces::get).toList())
                    .toDataset(spark));
        for (int i : unseen) {
          locations[i] = learner.location(model, learner.features(traces.get(i).prompt()));
        }
      } catch (RuntimeException e) { // Solvers give up in many ways; the others may do better.
        LOG.warn("The length model cannot use {}: {}", learner.label(), e.toString());
        return Optional.empty();
      }
    }
    return IntStream.range(0, locations.length).allMatch(i -> Double.isFinite(locations[i]))
        ? Optional.of(held(learner.label(), locations))
        : Optional.empty();
  }

  /** Quantiles of what is left of all traces' log lengths. */
  double[] residualQuantiles(double[] locations) {
    return residualQuantiles(locations, i -> true);
  }

  /**
   * How far the predicted total of a fold is off, as a share of the true one: the root mean square
   * over the folds. Outputs end at the longest trace, or where they were truncated.
   */
  double totalError(double[] locations) {
    double longest = traces.stream().mapToDouble(Trace::tokens).max().orElse(0);
    double squares = 0;
    int counted = 0;
    for (int fold = 0; fold < folds; fold++) {
      int left = fold;
      int[] unseen = indexes(i -> foldOf[i] == left);
      if (unseen.length == 0 || unseen.length == traces.size()) {
        continue;
      }
      double[] residuals = residualQuantiles(locations, i -> foldOf[i] != left);
      double predicted = 0;
      double actual = 0;
      for (int i : unseen) {
        Trace trace = traces.get(i);
        long budget = Math.round(trace.truncated() ? trace.tokens() : longest);
        predicted += new LengthDistribution(locations[i], residuals).meanTokens(budget);
        actual += trace.tokens();
      }
      squares += Math.pow(predicted / actual - 1, 2);
      counted++;
    }
    return counted == 0 ? 0 : Math.sqrt(squares / counted);
  }

  private Held held(String learner, double[] locations) {
    double[] pinball = new double[3];
    double[] below = new double[3];
    double[] asked = {0.1, 0.5, 0.9};
    for (int fold = 0; fold < folds; fold++) {
      int left = fold;
      int[] unseen = indexes(i -> foldOf[i] == left);
      if (unseen.length == 0 || unseen.length == traces.size()) {
        continue;
      }
      double[] residuals = residualQuantiles(locations, i -> foldOf[i] != left);
      for (int i : unseen) {
        Trace trace = traces.get(i);
        LengthDistribution predicted = new LengthDistribution(locations[i], residuals);
        for (int q = 0; q < asked.length; q++) {
          double log = Math.log(predicted.quantile(asked[q]));
          pinball[q] += LengthScore.pinball(log, trace.logTokens(), trace.truncated(), asked[q]);
          below[q] += !trace.truncated() && trace.logTokens() <= log ? 1 : 0;
        }
      }
    }
    double rows = traces.size();
    return new Held(
        locations,
        new LengthScore(
            learner,
            pinball[0] / rows,
            pinball[1] / rows,
            pinball[2] / rows,
            below[0] / rows,
            below[1] / rows,
            below[2] / rows));
  }

  private double[] residualQuantiles(double[] locations, IntPredicate which) {
    List<Observation> residuals = new ArrayList<>();
    for (int i : indexes(which)) {
      Trace trace = traces.get(i);
      residuals.add(new Observation(trace.logTokens() - locations[i], trace.truncated()));
    }
    return KaplanMeier.quantiles(residuals.toArray(Observation[]::new), PROBABILITIES);
  }

  private int[] indexes(IntPredicate which) {
    return IntStream.range(0, traces.size()).filter(which).toArray();
  }
}
