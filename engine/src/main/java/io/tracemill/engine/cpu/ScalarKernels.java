package io.tracemill.engine.cpu;

import java.util.Arrays;

/** Plain Java twins of {@link VectorKernels}: the same operations in the same order. */
final class ScalarKernels implements CpuKernels {
  private static final int OUTPUTS = PackedMatrix.PANEL_OUTPUTS;
  private static final int PAGE_ROWS = 64;

  @Override
  public String description() {
    return "scalar code";
  }

  // ---- products

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
    float[] sums = new float[OUTPUTS];
    int inputs = weights.inFeatures();
    for (int panel = 0; panel < numPanels; panel++) {
      for (int k = 0; k < inputs; k += PackedMatrix.CHAIN_INPUTS) {
        int chain = Math.min(PackedMatrix.CHAIN_INPUTS, inputs - k);
        for (int row = 0; row < rows; row++) {
          int xAt = (firstRow + row) * xStride + k;
          multiplyChain(weights, (firstPanel + panel) * inputs + k, chain, x, xAt, sums);
          int at = outOffset + row * outStride + panel * OUTPUTS;
          for (int j = 0; j < OUTPUTS; j++) {
            out[at + j] += sums[j];
          }
        }
      }
    }
  }

  /** Products with a stretch of a panel; {@code first} counts inputs over all panels. */
  private static void multiplyChain(
      PackedMatrix weights, int first, int chain, float[] x, int xAt, float[] sums) {
    Arrays.fill(sums, 0);
    if (weights instanceof Bf16Matrix bf16) {
      int[] pairs = bf16.pairs();
      for (int k = 0; k < chain; k++) {
        float v = x[xAt + k];
        int at = (first + k) * LANES;
        for (int j = 0; j < LANES; j++) {
          int pair = pairs[at + j];
          sums[j] = Math.fma(Float.intBitsToFloat(pair << 16), v, sums[j]);
          sums[j + LANES] = Math.fma(Float.intBitsToFloat(pair & 0xFFFF0000), v, sums[j + LANES]);
        }
      }
    } else {
      float[] values = ((Float32Matrix) weights).values();
      for (int k = 0; k < chain; k++) {
        float v = x[xAt + k];
        int at = (first + k) * OUTPUTS;
        for (int j = 0; j < OUTPUTS; j++) {
          sums[j] = Math.fma(values[at + j], v, sums[j]);
        }
      }
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
    Arrays.fill(lanes, 0, LANES, 0);
    for (int i = 0; i < size; i++) {
      float v = x[xOffset + i];
      lanes[i % LANES] = Math.fma(v, v, lanes[i % LANES]);
    }
    float scale = inverseRoot(CpuKernels.addLanes(lanes), size, epsilon);
    for (int i = 0; i < size; i++) {
      out[outOffset + i] = x[xOffset + i] * scale * weight[i];
    }
  }

  /** {@code 1 / sqrt(sum / size + epsilon)}, each step rounded to float32. */
  static float inverseRoot(float sum, int size, float epsilon) {
    return 1 / (float) Math.sqrt(sum / size + epsilon);
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
    for (int i = 0; i < size; i++) {
      out[outOffset + i] = silu(gate[gateOffset + i]) * up[upOffset + i];
    }
  }

  static float silu(float value) {
    return value / (Exponential.exp(-value) + 1);
  }

  @Override
  public float exponentials(float[] scores, int offset, int count, float[] lanes) {
    int padded = (count + LANES - 1) / LANES * LANES;
    float maximum = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      maximum = Math.max(maximum, scores[offset + i]);
    }
    Arrays.fill(lanes, 0, LANES, 0);
    for (int i = 0; i < padded; i++) {
      float score = i < count ? scores[offset + i] : Float.NEGATIVE_INFINITY;
      float e = Exponential.exp(score - maximum);
      scores[offset + i] = e;
      lanes[i % LANES] += e;
    }
    return CpuKernels.addLanes(lanes);
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
    keyScores(page, pageOffset, headDim, queries, query0, scale, scores, scores0);
    keyScores(page, pageOffset, headDim, queries, query1, scale, scores, scores1);
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
    Arrays.fill(scores, scoresOffset, scoresOffset + PAGE_ROWS, 0);
    for (int d = 0; d < headDim; d++) {
      float q = queries[query + d];
      int at = pageOffset + d * PAGE_ROWS;
      for (int row = 0; row < PAGE_ROWS; row++) {
        scores[scoresOffset + row] = Math.fma(page[at + row], q, scores[scoresOffset + row]);
      }
    }
    scale(scores, scoresOffset, scale);
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
    keyScores(page, pageOffset, headDim, queries, query0, scale, scores, scores0);
    keyScores(page, pageOffset, headDim, queries, query1, scale, scores, scores1);
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
    Arrays.fill(scores, scoresOffset, scoresOffset + PAGE_ROWS, 0);
    for (int d = 0; d < headDim; d++) {
      float q = queries[query + d];
      int at = pageOffset + d * (PAGE_ROWS / 2);
      for (int row = 0; row < PAGE_ROWS; row++) {
        float key = Bf16Pairs.value(page, at + Bf16Pairs.pair(row), row);
        scores[scoresOffset + row] = Math.fma(key, q, scores[scoresOffset + row]);
      }
    }
    scale(scores, scoresOffset, scale);
  }

  private static void scale(float[] scores, int offset, float scale) {
    for (int row = 0; row < PAGE_ROWS; row++) {
      scores[offset + row] *= scale;
    }
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
    weightedValues(page, pageOffset, width, rows, weights, weights0, out, out0);
    weightedValues(page, pageOffset, width, rows, weights, weights1, out, out1);
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
    for (int d = 0; d < width; d++) {
      float sum = 0;
      for (int row = 0; row < rows; row++) {
        sum = Math.fma(page[pageOffset + row * width + d], weights[weightsOffset + row], sum);
      }
      out[outOffset + d] += sum;
    }
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
    weightedValues(page, pageOffset, width, rows, weights, weights0, out, out0);
    weightedValues(page, pageOffset, width, rows, weights, weights1, out, out1);
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
    for (int d = 0; d < width; d++) {
      float sum = 0;
      for (int row = 0; row < rows; row++) {
        int at = pageOffset + row * (width / 2) + Bf16Pairs.pair(d);
        sum = Math.fma(Bf16Pairs.value(page, at, d), weights[weightsOffset + row], sum);
      }
      out[outOffset + d] += sum;
    }
  }
}
