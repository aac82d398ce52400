package io.tracemill.udf.ml.length;

import breeze.linalg.DenseVector;
import breeze.math.MutableInnerProductModule;
import breeze.optimize.DiffFunction;
import breeze.optimize.LBFGS;
import java.lang.invoke.LambdaMetafactory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import scala.Tuple2;

/**
 * What {@code AFTSurvivalRegression} of Spark ML finds, found in this thread: there each of some 60
 * evaluations of the loss is a Spark job, which for a few thousand rows takes a hundred times as
 * long as its work. The loss is the negative log-likelihood of Weibull lengths, {@code sum of d log
 * s - d e + exp(e)} with {@code e = (log t - x b) / s}, {@code d} being 1 where the length was seen
 * and 0 where it was cut (J. F. Lawless, Statistical Models and Methods for Lifetime Data, 2003);
 * features enter centred and divided by their standard deviation, and the minimum is looked for by
 * the same L-BFGS from the same start.
 *
 * @param coefficients of the features
 * @param intercept of the logarithm
 */
record WeibullFit(double[] coefficients, double intercept) {
  private static final int CORRECTIONS = 10;

  /**
   * Fits.
   *
   * @param features {@code [numRows][numFeatures]}
   * @param logs of the lengths
   * @param whole whether a length is the true one, else the true one is larger
   * @param steps of the search at most
   * @param tolerance of the loss, relative, at which the search ends
   */
  static WeibullFit of(
      double[][] features, double[] logs, boolean[] whole, int steps, double tolerance) {
    Loss loss = new Loss(features, logs, whole);
    LBFGS<DenseVector<Object>> search = new LBFGS<>(steps, CORRECTIONS, tolerance, denseVectors());
    DenseVector<Object> start = new DenseVector<>(new double[loss.numFeatures + 2]);
    double[] found = (double[]) search.minimize(loss.asScala(), start).data();
    double[] coefficients = new double[loss.numFeatures];
    double intercept = found[loss.numFeatures];
    for (int j = 0; j < coefficients.length; j++) {
      coefficients[j] = found[j] * loss.inverseDeviations[j];
      intercept -= found[j] * loss.scaledMeans[j];
    }
    return new WeibullFit(coefficients, intercept);
  }

  @SuppressWarnings("unchecked") // Scala's implicit value has a wider type in Java's eyes.
  private static MutableInnerProductModule<DenseVector<Object>, Object> denseVectors() {
    return (MutableInnerProductModule<DenseVector<Object>, Object>)
        (Object) DenseVector.space_Double();
  }

  /** The location of the log length for a row. */
  double location(double[] row) {
    double location = intercept;
    for (int j = 0; j < coefficients.length; j++) {
      location += coefficients[j] * row[j];
    }
    return location;
  }

  /** Mean loss and gradient at coefficients, then intercept, then the scale's logarithm. */
  static final class Loss {
    private final double[][] scaled;
    private final double[] logs;
    private final boolean[] whole;
    private final int numFeatures;
    private final double[] inverseDeviations;
    private final double[] scaledMeans;

    Loss(double[][] features, double[] logs, boolean[] whole) {
      this.logs = logs;
      this.whole = whole;
      numFeatures = features[0].length;
      inverseDeviations = new double[numFeatures];
      scaledMeans = new double[numFeatures];
      scaled = new double[features.length][numFeatures];
      for (int j = 0; j < numFeatures; j++) {
        double mean = 0;
        double squares = 0;
        for (int i = 0; i < features.length; i++) {
          double difference = features[i][j] - mean;
          mean += difference / (i + 1);
          squares += difference * (features[i][j] - mean);
        }
        double deviation = Math.sqrt(squares / (features.length - 1));
        inverseDeviations[j] = deviation > 0 ? 1 / deviation : 0;
        scaledMeans[j] = mean * inverseDeviations[j];
        for (int i = 0; i < features.length; i++) {
          scaled[i][j] = features[i][j] * inverseDeviations[j];
        }
      }
    }

    /**
     * As the type that the search takes. Written out, no class could have that type: it inherits
     * two methods {@code apply} that only differ in what they return, which Java's language does
     * not allow. The search calls neither.
     */
    @SuppressWarnings("unchecked")
    DiffFunction<DenseVector<Object>> asScala() {
      try {
        MethodHandles.Lookup lookup = MethodHandles.lookup();
        MethodType method = MethodType.methodType(Tuple2.class, DenseVector.class);
        return (DiffFunction<DenseVector<Object>>)
            LambdaMetafactory.metafactory(
                    lookup,
                    "calculate",
                    MethodType.methodType(DiffFunction.class, Loss.class),
                    MethodType.methodType(Tuple2.class, Object.class),
                    lookup.findVirtual(Loss.class, "at", method),
                    method)
                .getTarget()
                .invoke(this);
      } catch (Throwable e) {
        throw new LinkageError("the loss is no function to " + DiffFunction.class, e);
      }
    }

    Tuple2<Object, DenseVector<Object>> at(DenseVector<Object> at) {
      double[] parameters = at.toArray$mcD$sp(scala.reflect.ClassTag.Double());
      double scale = Math.exp(parameters[numFeatures + 1]);
      double logScale = Math.log(scale);
      double offset = parameters[numFeatures];
      for (int j = 0; j < numFeatures; j++) {
        offset -= parameters[j] * scaledMeans[j];
      }
      double loss = 0;
      double sum = 0;
      double[] gradient = new double[numFeatures + 2];
      for (int i = 0; i < scaled.length; i++) {
        double margin = offset;
        for (int j = 0; j < numFeatures; j++) {
          margin += parameters[j] * scaled[i][j];
        }
        double error = (logs[i] - margin) / scale;
        double exp = Math.exp(error);
        double known = whole[i] ? 1 : 0;
        loss += known * logScale - known * error + exp;
        double slope = (known - exp) / scale;
        for (int j = 0; j < numFeatures; j++) {
          gradient[j] += slope * scaled[i][j];
        }
        sum += slope;
        gradient[numFeatures + 1] += known + slope * scale * error;
      }
      gradient[numFeatures] = sum;
      for (int j = 0; j < numFeatures; j++) {
        gradient[j] -= sum * scaledMeans[j];
      }
      for (int k = 0; k < gradient.length; k++) {
        gradient[k] /= scaled.length;
      }
      return new Tuple2<>(loss / scaled.length, new DenseVector<>(gradient));
    }
  }
}
