package io.tracemill.job.stats;

import org.apache.commons.math3.distribution.BinomialDistribution;
import org.apache.commons.math3.distribution.NormalDistribution;

/**
 * Whether two runs over the same rows differ in accuracy.
 *
 * @param difference accuracy of the run less that of the baseline, over the same rows
 * @param low end of its 95 % interval
 * @param high end of its 95 % interval
 * @param pValue chance of a difference this large in either direction, were there none
 * @param method how {@code pValue} was found
 */
public record PairedTest(double difference, double low, double high, double pValue, Method method) {
  private static final double Z_95 = 1.959964;

  /** A test's name. */
  public enum Method {
    /** McNemar's exact test: a fair coin for each row on which the runs disagree. */
    MC_NEMAR_EXACT,
    /** A z test on the differences of rows, each the mean over its samples. */
    CLUSTERED_BY_ROW
  }

  /**
   * One sample a row in both runs. The interval is Wald's for paired shares with half a row added
   * to each of the four cells (Agresti and Min 2005, doi:10.1002/sim.1781), which holds its level
   * with few rows too.
   *
   * @param rows graded in both
   * @param won rows that only the run has right
   * @param lost rows that only the baseline has right
   */
  public static PairedTest ofRows(long rows, long won, long lost) {
    double n = rows + 2;
    double share = (won - lost) / n;
    double error = Math.sqrt(Math.max(0, (won + lost + 1) / n - share * share) / n);
    return new PairedTest(
        (double) (won - lost) / rows,
        Math.max(-1, share - Z_95 * error),
        Math.min(1, share + Z_95 * error),
        mcNemar(won, lost),
        Method.MC_NEMAR_EXACT);
  }

  /**
   * Several samples a row: rows, not samples, are independent.
   *
   * @param rows how many
   * @param mean of the rows' differences
   * @param deviation their sample standard deviation
   */
  public static PairedTest ofClusters(long rows, double mean, double deviation) {
    double error = rows > 1 ? deviation / Math.sqrt(rows) : 0;
    double p =
        error > 0 ? 2 * new NormalDistribution().cumulativeProbability(-Math.abs(mean) / error) : 1;
    return new PairedTest(
        mean, mean - Z_95 * error, mean + Z_95 * error, p, Method.CLUSTERED_BY_ROW);
  }

  private static double mcNemar(long won, long lost) {
    long disagree = won + lost;
    if (disagree == 0) {
      return 1;
    }
    int trials = Math.toIntExact(disagree);
    double tail =
        new BinomialDistribution(null, trials, 0.5)
            .cumulativeProbability((int) Math.min(won, lost));
    return Math.min(1, 2 * tail);
  }
}
