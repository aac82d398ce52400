package io.tracemill.udf.ml.length;

import java.util.Objects;

/**
 * How long a trace may get: {@code log(tokens) = location + residual}, with the residual given by
 * its quantiles at 1 %, 2 %, ... 99 %.
 *
 * @param location of the logarithm
 * @param residualQuantiles {@value #QUANTILES} ascending values; shared, not to be changed
 */
public record LengthDistribution(double location, double[] residualQuantiles) {
  /** Number of quantiles that describe a residual. */
  public static final int QUANTILES = 99;

  public LengthDistribution {
    Objects.requireNonNull(residualQuantiles, "residualQuantiles");
    if (residualQuantiles.length != QUANTILES) {
      throw new IllegalArgumentException(residualQuantiles.length + " residual quantiles");
    }
  }

  /** The probabilities of {@link #residualQuantiles}. */
  static double[] probabilities() {
    double[] probabilities = new double[QUANTILES];
    for (int i = 0; i < QUANTILES; i++) {
      probabilities[i] = (i + 1) / (QUANTILES + 1.0);
    }
    return probabilities;
  }

  /**
   * Tokens that a share {@code p} of such traces does not exceed.
   *
   * @param p in [0, 1]; below 1 % and above 99 % the outermost quantile holds
   */
  public double quantile(double p) {
    double at = Math.min(QUANTILES - 1.0, Math.max(0, p * (QUANTILES + 1) - 1));
    int below = (int) at;
    int above = Math.min(QUANTILES - 1, below + 1);
    double share = at - below;
    return Math.exp(
        location + (1 - share) * residualQuantiles[below] + share * residualQuantiles[above]);
  }

  /** Mean tokens where outputs end at {@code budgetTokens} at the latest. */
  public double meanTokens(long budgetTokens) {
    double sum = 0;
    for (double residual : residualQuantiles) {
      sum += Math.min(Math.exp(location + residual), budgetTokens);
    }
    return sum / QUANTILES;
  }

  /** Mean tokens. */
  public double meanTokens() {
    return meanTokens(Long.MAX_VALUE);
  }
}
