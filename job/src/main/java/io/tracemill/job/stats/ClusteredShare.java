package io.tracemill.job.stats;

import io.tracemill.udf.grade.WilsonInterval;

/**
 * A share of right answers over problems with one or several samples each, and its interval. The
 * share is the mean over problems; problems, not samples, are independent.
 *
 * @param value in [0, 1]
 * @param low end of the 95 % interval
 * @param high end of the 95 % interval
 */
public record ClusteredShare(double value, double low, double high) {
  /**
   * Wilson's interval for as many independent trials as would have the variance of the mean over
   * problems: at least the problems, at most the samples. With one sample a problem these are the
   * problems.
   *
   * @param problems at least 1
   * @param samples of all problems
   * @param mean of the problems' shares
   * @param deviation their sample standard deviation; NaN for a single problem
   */
  public static ClusteredShare of(long problems, long samples, double mean, double deviation) {
    double trials = problems;
    if (samples > problems && deviation > 0) {
      double alone = mean * (1 - mean) * problems / (deviation * deviation);
      trials = Math.max(problems, Math.min(samples, alone));
    }
    WilsonInterval interval =
        WilsonInterval.ofShare(
            Math.max(0, Math.min(1, mean)), trials, WilsonInterval.USUAL_CONFIDENCE);
    return new ClusteredShare(mean, interval.low(), interval.high());
  }
}
