package io.tracemill.udf.grade;

import java.util.Collection;
import java.util.Optional;

/** Unbiased estimators over the samples of one prompt. */
public final class Estimators {
  private Estimators() {}

  /**
   * pass@k: the chance that at least one of {@code k} samples drawn without replacement is correct,
   * {@code 1 - C(n - c, k) / C(n, k)} (Chen et al., arXiv 2107.03374).
   *
   * @param samples n, samples drawn
   * @param correct c, of these
   * @param k at least 1
   * @return absent where fewer than {@code k} samples were drawn, or {@code k} is below 1
   */
  public static Optional<Double> passAtK(long samples, long correct, long k) {
    if (k < 1 || k > samples) {
      return Optional.empty();
    }
    double allWrong = 1;
    // C(n-c, k) / C(n, k) as a product of k or c factors, whichever is shorter.
    if (k <= correct) {
      for (long i = 0; i < k && allWrong > 0; i++) {
        allWrong *= Math.max(0, (double) (samples - correct - i)) / (samples - i);
      }
    } else {
      for (long i = 0; i < correct && allWrong > 0; i++) {
        allWrong *= Math.max(0, (double) (samples - k - i)) / (samples - i);
      }
    }
    return Optional.of(1 - allWrong);
  }

  /**
   * maj@k: the chance that the most frequent answer of {@code k} samples drawn without replacement
   * is the right one; where several are most frequent, one of them is drawn.
   *
   * @param rightVotes samples with the right answer
   * @param otherVotes samples with each of the other answers
   * @param abstentions samples without an answer; they are drawn but do not vote
   * @param k at least 1
   * @return absent where fewer than {@code k} samples were drawn, or {@code k} is below 1
   */
  public static Optional<Double> majAtK(
      int rightVotes, Collection<Integer> otherVotes, int abstentions, int k) {
    int samples = rightVotes + abstentions + otherVotes.stream().mapToInt(Integer::intValue).sum();
    if (k < 1 || k > samples) {
      return Optional.empty();
    }
    double chance = 0;
    double allDraws = logChoose(samples, k);
    for (int right = 1; right <= Math.min(k, rightVotes); right++) {
      chance +=
          majorityWith(right, otherVotes, abstentions, k - right)
              .weightedBy(logChoose(rightVotes, right) - allDraws);
    }
    return Optional.of(Math.min(1, chance));
  }

  /** Ways to draw the rest, as a logarithm of a common scale and a sum of shares. */
  private record Ways(double share, double logScale) {
    double weightedBy(double logFactor) {
      return share == 0 ? 0 : share * Math.exp(logScale + logFactor);
    }
  }

  /**
   * The ways to draw {@code rest} samples so that no other answer has more than {@code right}
   * votes, each way weighted by one over the number of answers that share the lead.
   */
  private static Ways majorityWith(
      int right, Collection<Integer> otherVotes, int abstentions, int rest) {
    int maxTies = rest / right;
    // ways[d][t]: ways to draw d samples from the answers so far, t of which have exactly `right`.
    double[][] ways = new double[rest + 1][maxTies + 1];
    ways[0][0] = 1;
    double logScale = 0;
    for (int votes : otherVotes) {
      double[][] next = new double[rest + 1][maxTies + 1];
      for (int drawn = 0; drawn <= rest; drawn++) {
        for (int ties = 0; ties <= maxTies; ties++) {
          if (ways[drawn][ties] > 0) {
            int most = Math.min(Math.min(votes, right), rest - drawn);
            for (int more = 0; more <= most; more++) {
              int tie = more == right ? 1 : 0;
              next[drawn + more][ties + tie] +=
                  ways[drawn][ties] * Math.exp(logChoose(votes, more));
            }
          }
        }
      }
      logScale += rescale(next);
      ways = next;
    }
    double share = 0;
    for (int drawn = Math.max(0, rest - abstentions); drawn <= rest; drawn++) {
      double idle = Math.exp(logChoose(abstentions, rest - drawn));
      for (int ties = 0; ties <= maxTies; ties++) {
        share += ways[drawn][ties] * idle / (ties + 1);
      }
    }
    return new Ways(share, logScale);
  }

  private static double rescale(double[][] ways) {
    double largest = 0;
    for (double[] row : ways) {
      for (double value : row) {
        largest = Math.max(largest, value);
      }
    }
    for (double[] row : ways) {
      for (int i = 0; i < row.length; i++) {
        row[i] /= largest;
      }
    }
    return Math.log(largest);
  }

  private static double logChoose(int n, int k) {
    double sum = 0;
    int shorter = Math.min(k, n - k);
    for (int i = 1; i <= shorter; i++) {
      sum += Math.log((double) (n - shorter + i) / i);
    }
    return sum;
  }
}
