package io.tracemill.engine.cpu;

import io.tracemill.engine.compress.KeepRule;
import java.util.Arrays;

/** Counts how many candidates have to stay for the attention norm, see {@link KeepRule}. */
final class NormKeeper {
  private final AttentionShares shares;

  NormKeeper(AttentionShares shares) {
    this.shares = shares;
  }

  /**
   * The fewest candidates that keep the norm of one set.
   *
   * @param ranked {@code [candidates]}: the highest stay
   */
  int fewest(ScoreTask task, KeepRule.AttentionNorm rule, float[] ranked, ScoreSpace space) {
    double[][] squares = new double[task.numKvHeads() * shares.groupSize()][task.rows()];
    shares.addSquares(task, rule.queries(), squares, space);
    double[] left = new double[squares.length];
    double full = 0;
    for (int head = 0; head < squares.length; head++) {
      left[head] = Arrays.stream(squares[head]).sum();
      full += Math.sqrt(left[head]);
    }
    int candidates = task.plan().candidates();
    int kept = candidates;
    for (long entry : lowestFirst(ranked, candidates)) {
      int row = task.firstCandidate() + (int) ~entry;
      double norm = 0;
      for (int head = 0; head < left.length; head++) {
        left[head] -= squares[head][row];
        norm += Math.sqrt(Math.max(0, left[head]));
      }
      if (1 - norm / full > rule.threshold()) {
        break;
      }
      kept--;
    }
    return kept;
  }

  /** Candidates by score, of equal ones the higher index first; the index is the low word's ~. */
  private static long[] lowestFirst(float[] ranked, int candidates) {
    long[] order = new long[candidates];
    for (int j = 0; j < candidates; j++) {
      int bits = Float.floatToIntBits(ranked[j] + 0.0f);
      int key = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
      order[j] = ((long) key << 32) | (~j & 0xFFFFFFFFL);
    }
    Arrays.sort(order);
    return order;
  }
}
