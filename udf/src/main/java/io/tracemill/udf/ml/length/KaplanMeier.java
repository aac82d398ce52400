package io.tracemill.udf.ml.length;

import java.util.Arrays;
import java.util.Comparator;

/**
 * The product-limit estimate of a distribution of which some values are only known to be exceeded
 * (Kaplan and Meier, 1958): {@code S(t) = prod over values t_i <= t of 1 - d_i / n_i}, with {@code
 * d_i} values seen at {@code t_i} and {@code n_i} values at least as large.
 */
final class KaplanMeier {
  private KaplanMeier() {}

  /**
   * A value and whether it was seen.
   *
   * @param value what was observed
   * @param censored whether the true value is only known to be above
   */
  record Observation(double value, boolean censored) {}

  /**
   * Quantiles of the distribution. Where censoring hides the upper end, quantiles beyond what can
   * be told are the largest value observed.
   *
   * @param observations at least one
   * @param probabilities in (0, 1), ascending
   */
  static double[] quantiles(Observation[] observations, double[] probabilities) {
    if (observations.length == 0) {
      throw new IllegalArgumentException("no observations");
    }
    Observation[] sorted = observations.clone();
    // Of equal values those that were seen come first: a censored one is at least as large.
    Arrays.sort(
        sorted,
        Comparator.comparingDouble(Observation::value).thenComparing(Observation::censored));
    double[] quantiles = new double[probabilities.length];
    Arrays.fill(quantiles, sorted[sorted.length - 1].value());
    double surviving = 1;
    int next = 0;
    for (int i = 0; i < sorted.length && next < probabilities.length; i++) {
      if (!sorted[i].censored()) {
        surviving *= 1 - 1.0 / (sorted.length - i);
      }
      // A hair of tolerance: products of fractions are not exact.
      while (next < probabilities.length && 1 - surviving >= probabilities[next] - 1e-12) {
        quantiles[next++] = sorted[i].value();
      }
    }
    return quantiles;
  }
}
