package io.tracemill.engine.cpu;

import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.model.ModelConfig;
import java.util.Arrays;

/**
 * How much a row's key repeats others, as {@link ScoreRule#SIMILAR} defines it. Two rows at a time
 * against all keys: the matrix of cosines is never held.
 */
final class Redundancy {
  /** Keeps the length of an all-zero key from being divided by. */
  private static final float LEAST_LENGTH = 1e-8f;

  private final CpuKernels kernels;
  private final KvPages pages;
  private final QueryKeys products;
  private final int headDim;

  Redundancy(ModelConfig config, CpuKernels kernels, KvPages pages) {
    this.kernels = kernels;
    this.pages = pages;
    this.products = new QueryKeys(kernels, pages);
    this.headDim = config.headDim();
  }

  /**
   * Redundancy of the unprotected rows into {@code space.redundancy} from index 0: mean over the KV
   * heads of the set.
   */
  void compute(ScoreTask task, ScoreSpace space) {
    int first = task.firstCandidate();
    int count = task.rows() - first;
    Arrays.fill(space.redundancy, 0, count, 0);
    for (int i = 0; i < task.numKvHeads(); i++) {
      similarity(task, task.firstKvHead() + i, first, count, space);
      float sum = kernels.exponentials(space.folded, 0, count, space.lanes);
      float share = 1 / (sum * task.numKvHeads());
      for (int j = 0; j < count; j++) {
        space.redundancy[j] = Math.fma(share, space.folded[j], space.redundancy[j]);
      }
    }
  }

  /** Mean similarity of each row into {@code space.folded}. */
  private void similarity(ScoreTask task, int kvHead, int first, int count, ScoreSpace space) {
    float[] keys = space.keys(count * headDim);
    float[] inverse = space.perRow;
    for (int i = 0; i < count; i++) {
      inverse[i] = normalise(task, kvHead, first + i, keys, i * headDim);
    }
    float[] means = space.folded;
    Arrays.fill(means, 0, count, 0);
    for (int i = 0; i < count; i += 2) {
      int query = i * headDim;
      if (i + 1 < count) {
        int at =
            products.products(
                task.lane(),
                task.layer(),
                kvHead,
                first,
                first + count,
                keys,
                query,
                query + headDim,
                1,
                space.attention,
                space.stride);
        addRow(space, at, count, i);
        addRow(space, space.stride + at, count, i + 1);
      } else {
        int at =
            products.products(
                task.lane(),
                task.layer(),
                kvHead,
                first,
                first + count,
                keys,
                query,
                1,
                space.attention);
        addRow(space, at, count, i);
      }
    }
    for (int j = 0; j < count; j++) {
      means[j] /= count;
    }
  }

  /** Brings a key to length 1; returns the inverse of its length. */
  private float normalise(ScoreTask task, int kvHead, int row, float[] keys, int offset) {
    pages.readKey(
        task.lane().page(row / KvPages.ROWS),
        task.layer(),
        kvHead,
        row % KvPages.ROWS,
        keys,
        offset);
    float sum = 0;
    for (int d = 0; d < headDim; d++) {
      sum = Math.fma(keys[offset + d], keys[offset + d], sum);
    }
    float inverse = 1 / ((float) Math.sqrt(sum) + LEAST_LENGTH);
    for (int d = 0; d < headDim; d++) {
      keys[offset + d] *= inverse;
    }
    return inverse;
  }

  /** Adds the cosines of one row, products with keys of their own length, to the columns. */
  private static void addRow(ScoreSpace space, int at, int count, int row) {
    float[] cosines = space.attention;
    float[] inverse = space.perRow;
    for (int j = 0; j < count; j++) {
      cosines[at + j] *= inverse[j];
    }
    cosines[at + row] = 0;
    int latest = count - 1;
    while (latest >= 0 && cosines[at + latest] <= ScoreRule.SIMILAR) {
      latest--;
    }
    if (latest >= 0) {
      cosines[at + latest] = 0;
    }
    float[] sums = space.folded;
    for (int j = 0; j < count; j++) {
      sums[j] += cosines[at + j];
    }
  }
}
