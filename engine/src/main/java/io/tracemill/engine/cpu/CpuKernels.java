package io.tracemill.engine.cpu;

/**
 * The inner loops, in two forms that give the same bits: {@link VectorKernels} and {@link
 * ScalarKernels}. All values are float32 and row-major; products are fused multiply-adds. A sum
 * that has no natural order (over a row's elements) runs in {@link #LANES} interleaved partial
 * sums, element i in sum {@code i % LANES}, which are then added pairwise by {@link #addLanes}: the
 * same on every register width.
 */
interface CpuKernels {
  /** Interleaved partial sums. */
  int LANES = 16;

  /** What runs, for people, such as {@code 512-bit vectors}. */
  String description();

  /**
   * Adds products to {@code out[row * outStride + outOffset + j]} for the outputs j of some panels.
   *
   * @param firstPanel first panel
   * @param numPanels panels
   * @param x {@code [rows, xStride]}; the first {@code inFeatures} of a row count
   * @param rows rows
   * @param out destination, {@code [rows, outStride]}
   * @param outOffset column of the first panel's first output
   */
  void multiplyAdd(
      PackedMatrix weights,
      int firstPanel,
      int numPanels,
      float[] x,
      int xStride,
      int rows,
      int firstRow,
      float[] out,
      int outOffset,
      int outStride);

  /**
   * {@code out = x / sqrt(mean(x^2) + epsilon) * weight} over {@code size} elements.
   *
   * @param lanes scratch, {@link #LANES} elements
   */
  void rmsNorm(
      float[] x,
      int xOffset,
      float[] weight,
      int size,
      float epsilon,
      float[] out,
      int outOffset,
      float[] lanes);

  /** {@code out = gate / (1 + exp(-gate)) * up} over {@code size} elements. */
  void siluMultiply(
      float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int size);

  /**
   * Replaces scores by {@code exp(score - maximum)} and returns their sum. Elements up to the next
   * multiple of {@link #LANES} after {@code count} are overwritten.
   *
   * @param lanes scratch, {@link #LANES} elements
   */
  float exponentials(float[] scores, int offset, int count, float[] lanes);

  /**
   * Scores of two queries against a page of {@code headDim x 64} transposed keys: {@code
   * scores[offset + row] = scale * sum over d of query[d] * key[d][row]}.
   */
  void keyScores(
      float[] page,
      int pageOffset,
      int headDim,
      float[] queries,
      int query0,
      int query1,
      float scale,
      float[] scores,
      int scores0,
      int scores1);

  /** As above, for one query. */
  void keyScores(
      float[] page,
      int pageOffset,
      int headDim,
      float[] queries,
      int query,
      float scale,
      float[] scores,
      int scoresOffset);

  /** As above, for bf16 keys, {@code headDim x 32} pairs. */
  void keyScores(
      int[] page,
      int pageOffset,
      int headDim,
      float[] queries,
      int query0,
      int query1,
      float scale,
      float[] scores,
      int scores0,
      int scores1);

  /** As above, for bf16 keys and one query. */
  void keyScores(
      int[] page,
      int pageOffset,
      int headDim,
      float[] queries,
      int query,
      float scale,
      float[] scores,
      int scoresOffset);

  /**
   * Adds the weighted values of one page for two heads: {@code out[d] += sum over rows of
   * weight[row] * value[row][d]}, for the {@code width} (a multiple of 32) elements of a row.
   */
  void weightedValues(
      float[] page,
      int pageOffset,
      int width,
      int rows,
      float[] weights,
      int weights0,
      int weights1,
      float[] out,
      int out0,
      int out1);

  /** As above, for one head. */
  void weightedValues(
      float[] page,
      int pageOffset,
      int width,
      int rows,
      float[] weights,
      int weightsOffset,
      float[] out,
      int outOffset);

  /** As above, for bf16 values, {@code width / 2} pairs a row. */
  void weightedValues(
      int[] page,
      int pageOffset,
      int width,
      int rows,
      float[] weights,
      int weights0,
      int weights1,
      float[] out,
      int out0,
      int out1);

  /** As above, for bf16 values and one head. */
  void weightedValues(
      int[] page,
      int pageOffset,
      int width,
      int rows,
      float[] weights,
      int weightsOffset,
      float[] out,
      int outOffset);

  /** Adds the partial sums pairwise. */
  static float addLanes(float[] lanes) {
    for (int half = LANES / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        lanes[i] += lanes[i + half];
      }
    }
    return lanes[0];
  }
}
