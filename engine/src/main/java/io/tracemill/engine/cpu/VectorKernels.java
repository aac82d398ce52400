package io.tracemill.engine.cpu;

/**
 * Kernels of the incubating Vector API. Only {@link KernelChoice} names this class, so that nothing
 * of it is loaded where the module is missing.
 *
 * <p>Register blocks stay at eight accumulators: enough to cover the latency of a fused
 * multiply-add on two ports, and few enough that the compiler keeps them in the 16 registers of
 * AVX2. Every block is written out, for each element type and number of rows or heads: a vector
 * that is passed to a method or returned by one may be put on the heap.
 */
final class VectorKernels implements CpuKernels {
  @Override
  public String description() {
    return VectorShape.FLOATS.vectorBitSize() + "-bit vectors";
  }

  @Override
  public void multiplyAdd(
      PackedMatrix weights,
      int firstPanel,
      int numPanels,
      float[] x,
      int xStride,
      int rows,
      int firstRow,
      float[] out,
      int outOffset,
      int outStride) {
    int inputs = weights.inFeatures();
    int xFirst = firstRow * xStride;
    if (weights instanceof Bf16Matrix bf16) {
      VectorBf16Products.multiplyAdd(
          bf16.pairs(),
          inputs,
          firstPanel,
          numPanels,
          x,
          xFirst,
          xStride,
          rows,
          out,
          outOffset,
          outStride);
    } else {
      VectorFloat32Products.multiplyAdd(
          ((Float32Matrix) weights).values(),
          inputs,
          firstPanel,
          numPanels,
          x,
          xFirst,
          xStride,
          rows,
          out,
          outOffset,
          outStride);
    }
  }

  // ---- elementwise

  @Override
  public void rmsNorm(
      float[] x,
      int xOffset,
      float[] weight,
      int size,
      float epsilon,
      float[] out,
      int outOffset,
      float[] lanes) {
    VectorElements.rmsNorm(x, xOffset, weight, size, epsilon, out, outOffset, lanes);
  }

  @Override
  public void siluMultiply(
      float[] gate,
      int gateOffset,
      float[] up,
      int upOffset,
      float[] out,
      int outOffset,
      int size) {
    VectorElements.siluMultiply(gate, gateOffset, up, upOffset, out, outOffset, size);
  }

  @Override
  public float exponentials(float[] scores, int offset, int count, float[] lanes) {
    return VectorElements.exponentials(scores, offset, count, lanes);
  }

  // ---- attention

  @Override
  public void keyScores(
      float[] page,
      int pageOffset,
      int headDim,
      float[] queries,
      int query0,
      int query1,
      float scale,
      float[] scores,
      int scores0,
      int scores1) {
    VectorFloat32Attention.keyScores(
        page, pageOffset, headDim, queries, query0, query1, scale, scores, scores0, scores1);
  }

  @Override
  public void keyScores(
      float[] page,
      int pageOffset,
      int headDim,
      float[] queries,
      int query,
      float scale,
      float[] scores,
      int scoresOffset) {
    VectorFloat32Attention.keyScores(
        page, pageOffset, headDim, queries, query, scale, scores, scoresOffset);
  }

  @Override
  public void keyScores(
      int[] page,
      int pageOffset,
      int headDim,
      float[] queries,
      int query0,
      int query1,
      float scale,
      float[] scores,
      int scores0,
      int scores1) {
    VectorBf16Attention.keyScores(
        page, pageOffset, headDim, queries, query0, query1, scale, scores, scores0, scores1);
  }

  @Override
  public void keyScores(
      int[] page,
      int pageOffset,
      int headDim,
      float[] queries,
      int query,
      float scale,
      float[] scores,
      int scoresOffset) {
    VectorBf16Attention.keyScores(
        page, pageOffset, headDim, queries, query, scale, scores, scoresOffset);
  }

  @Override
  public void weightedValues(
      float[] page,
      int pageOffset,
      int width,
      int rows,
      float[] weights,
      int weights0,
      int weights1,
      float[] out,
      int out0,
      int out1) {
    VectorFloat32Attention.weightedValues(
        page, pageOffset, width, rows, weights, weights0, weights1, out, out0, out1);
  }

  @Override
  public void weightedValues(
      float[] page,
      int pageOffset,
      int width,
      int rows,
      float[] weights,
      int weightsOffset,
      float[] out,
      int outOffset) {
    VectorFloat32Attention.weightedValues(
        page, pageOffset, width, rows, weights, weightsOffset, out, outOffset);
  }

  @Override
  public void weightedValues(
      int[] page,
      int pageOffset,
      int width,
      int rows,
      float[] weights,
      int weights0,
      int weights1,
      float[] out,
      int out0,
      int out1) {
    VectorBf16Attention.weightedValues(
        page, pageOffset, width, rows, weights, weights0, weights1, out, out0, out1);
  }

  @Override
  public void weightedValues(
      int[] page,
      int pageOffset,
      int width,
      int rows,
      float[] weights,
      int weightsOffset,
      float[] out,
      int outOffset) {
    VectorBf16Attention.weightedValues(
        page, pageOffset, width, rows, weights, weightsOffset, out, outOffset);
  }
}
