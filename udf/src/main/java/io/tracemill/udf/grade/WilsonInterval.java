package io.tracemill.udf.grade;

/**
 * Wilson's score interval of a share (Wilson 1927): unlike the normal interval it stays within [0,
 * 1] and is honest near its ends and for few rows.
 *
 * @param low in [0, 1]
 * @param high in [0, 1]
 */
public record WilsonInterval(double low, double high) {
  /** The usual confidence. */
  public static final double USUAL_CONFIDENCE = 0.95;

  /**
   * The interval.
   *
   * @param successes from 0 to {@code trials}
   * @param trials at least 1
   * @param confidence between 0 and 1, both excluded
   */
  public static WilsonInterval of(long successes, long trials, double confidence) {
    if (trials < 1 || successes < 0 || successes > trials) {
      throw new IllegalArgumentException(successes + " successes of " + trials + " trials");
    }
    WilsonInterval interval = ofShare((double) successes / trials, trials, confidence);
    // At the ends the bound is exact; rounding must not push it inside.
    return new WilsonInterval(
        successes == 0 ? 0 : interval.low(), successes == trials ? 1 : interval.high());
  }

  /**
   * The interval of a share over a number of trials that need not be whole, such as the effective
   * number of trials that hang together.
   *
   * @param share in [0, 1]
   * @param trials at least 1
   * @param confidence between 0 and 1, both excluded
   */
  public static WilsonInterval ofShare(double share, double trials, double confidence) {
    if (!(share >= 0 && share <= 1 && trials >= 1)) {
      throw new IllegalArgumentException("a share of " + share + " of " + trials + " trials");
    }
    if (!(confidence > 0 && confidence < 1)) {
      throw new IllegalArgumentException("a confidence of " + confidence + " is not in (0, 1)");
    }
    double z = normalQuantile((1 + confidence) / 2);
    double square = z * z / trials;
    double centre = (share + square / 2) / (1 + square);
    double half =
        z * Math.sqrt(share * (1 - share) / trials + square / (4 * trials)) / (1 + square);
    return new WilsonInterval(Math.max(0, centre - half), Math.min(1, centre + half));
  }

  /** The standard normal quantile by bisection; {@code probability} in [0.5, 1). */
  static double normalQuantile(double probability) {
    double low = 0;
    double high = 9;
    for (int i = 0; i < 80; i++) {
      double middle = (low + high) / 2;
      if (normalBelow(middle) < probability) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return (low + high) / 2;
  }

  /** The standard normal distribution: 1/2 + phi(z) (z + z^3/3 + z^5/15 + ...). */
  private static double normalBelow(double z) {
    double term = z;
    double sum = z;
    for (int k = 3; term > 1e-17 * sum && k < 1_000; k += 2) {
      term *= z * z / k;
      sum += term;
    }
    return 0.5 + sum * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  }
}
