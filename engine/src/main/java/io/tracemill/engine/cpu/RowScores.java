package io.tracemill.engine.cpu;

import io.tracemill.engine.compress.RowPlan;
import java.util.Arrays;

/**
 * Scores that a policy keeps beside the rows of a lane from one compression to the next, {@code
 * [layer and set][row]}. Rows appended since then have 0.
 *
 * <p><b>Threads.</b> {@link #prepare}, {@link #shrink} and {@link #clear} by one thread; in between
 * different sets may be used by different ones.
 */
final class RowScores {
  private float[][] sets = new float[0][];
  private int rows;

  /** Forgets everything: the lane has a new sequence. */
  void clear() {
    rows = 0;
  }

  /** Makes room for so many rows and sets; new rows have 0. */
  void prepare(int numSets, int newRows) {
    if (sets.length < numSets) {
      sets = Arrays.copyOf(sets, numSets);
    }
    for (int i = 0; i < numSets; i++) {
      if (sets[i] == null || sets[i].length < newRows) {
        // Half as much again: a cache without bound grows by few rows at a time.
        int capacity = newRows + newRows / 2;
        sets[i] = sets[i] == null ? new float[capacity] : Arrays.copyOf(sets[i], capacity);
      }
      Arrays.fill(sets[i], rows, newRows, 0);
    }
    rows = newRows;
  }

  /** The scores of one set, by row. */
  float[] of(int set) {
    return sets[set];
  }

  /** Moves the scores of rows that stay to where the rows go. */
  static void moveTogether(float[] scores, RowPlan plan, int[] retained, int kept) {
    int to = plan.protectedRows();
    for (int i = 0; i < kept; i++) {
      scores[to++] = scores[plan.protectedRows() + retained[i]];
    }
    System.arraycopy(
        scores, plan.protectedRows() + plan.candidates(), scores, to, plan.windowRows());
  }

  /** Notes the rows that a compression left. */
  void shrink(int rowsAfter) {
    rows = Math.min(rows, rowsAfter);
  }
}
