package io.tracemill.engine.cpu;

import static jdk.incubator.vector.VectorOperators.LSHL;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Kernels of the incubating Vector API. Only {@link KernelChoice} names this class, so that nothing
 * of it is loaded where the module is missing.
 *
 * <p>Register blocks stay at eight accumulators: enough to cover the latency of a fused
 * multiply-add on two ports, and few enough that the compiler keeps them in the 16 registers of
 * AVX2.
 */
final class VectorKernels implements CpuKernels {
  /** At most 16 lanes: wider registers would need another packing. */
  private static final VectorSpecies<Float> FLOATS =
      FloatVector.SPECIES_PREFERRED.length() > LANES
          ? FloatVector.SPECIES_512
          : FloatVector.SPECIES_PREFERRED;

  private static final VectorSpecies<Integer> INTS =
      FLOATS.length() == LANES
          ? IntVector.SPECIES_512
          : FLOATS.length() == 8 ? IntVector.SPECIES_256 : IntVector.SPECIES_128;

  private static final int LENGTH = FLOATS.length();
  private static final int UPPER_HALF = 0xFFFF0000;
  private static final int PAGE_ROWS = 64;

  @Override
  public String description() {
    return FLOATS.vectorBitSize() + "-bit vectors";
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
    int inputs = weights.inFeatures();
    int panel = 0;
    int xFirst = firstRow * xStride;
    if (weights instanceof Bf16Matrix bf16) {
      int[] pairs = bf16.pairs();
      int panelInts = inputs * LANES;
      int at = firstPanel * panelInts;
      if (rows == 1) {
        for (; panel + 1 < numPanels; panel += 2) {
          twoPanels(pairs, at + panel * panelInts, inputs, x, xFirst, out, outOffset + panel * 32);
        }
      }
      for (; panel < numPanels; panel++) {
        onePanel(
            pairs,
            at + panel * panelInts,
            inputs,
            x,
            xFirst,
            xStride,
            rows,
            out,
            outOffset + panel * 32,
            outStride);
      }
    } else {
      float[] values = ((Float32Matrix) weights).values();
      int panelFloats = inputs * 2 * LANES;
      for (; panel < numPanels; panel++) {
        onePanel(
            values,
            (firstPanel + panel) * panelFloats,
            inputs,
            x,
            xFirst,
            xStride,
            rows,
            out,
            outOffset + panel * 32,
            outStride);
      }
    }
  }

  private static void onePanel(
      int[] pairs,
      int at,
      int inputs,
      float[] x,
      int xFirst,
      int xStride,
      int rows,
      float[] out,
      int outOffset,
      int outStride) {
    for (int k = 0; k < inputs; k += PackedMatrix.CHAIN_INPUTS) {
      int chain = Math.min(PackedMatrix.CHAIN_INPUTS, inputs - k);
      for (int lane = 0; lane < LANES; lane += LENGTH) {
        int w = at + k * LANES + lane;
        int row = 0;
        for (; row + 4 <= rows; row += 4) {
          int xAt = xFirst + row * xStride + k;
          int outAt = outOffset + row * outStride + lane;
          fourRows(pairs, w, chain, x, xAt, xStride, out, outAt, outStride);
        }
        for (; row < rows; row++) {
          int xAt = xFirst + row * xStride + k;
          oneRow(pairs, w, chain, x, xAt, out, outOffset + row * outStride + lane);
        }
      }
    }
  }

  private static void onePanel(
      float[] values,
      int at,
      int inputs,
      float[] x,
      int xFirst,
      int xStride,
      int rows,
      float[] out,
      int outOffset,
      int outStride) {
    for (int k = 0; k < inputs; k += PackedMatrix.CHAIN_INPUTS) {
      int chain = Math.min(PackedMatrix.CHAIN_INPUTS, inputs - k);
      for (int lane = 0; lane < LANES; lane += LENGTH) {
        int w = at + k * 2 * LANES + lane;
        int row = 0;
        for (; row + 4 <= rows; row += 4) {
          int xAt = xFirst + row * xStride + k;
          int outAt = outOffset + row * outStride + lane;
          fourRows(values, w, chain, x, xAt, xStride, out, outAt, outStride);
        }
        for (; row < rows; row++) {
          int xAt = xFirst + row * xStride + k;
          oneRow(values, w, chain, x, xAt, out, outOffset + row * outStride + lane);
        }
      }
    }
  }

  private static void fourRows(
      int[] pairs, int w, int chain, float[] x, int x0, int xStride, float[] out, int o, int os) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector b2 = a0;
    FloatVector b3 = a0;
    int x1 = x0 + xStride;
    int x2 = x1 + xStride;
    int x3 = x2 + xStride;
    for (int k = 0; k < chain; k++) {
      IntVector pair = IntVector.fromArray(INTS, pairs, w + k * LANES);
      FloatVector low = pair.lanewise(LSHL, 16).reinterpretAsFloats();
      FloatVector high = pair.and(UPPER_HALF).reinterpretAsFloats();
      FloatVector v = FloatVector.broadcast(FLOATS, x[x0 + k]);
      a0 = low.fma(v, a0);
      b0 = high.fma(v, b0);
      v = FloatVector.broadcast(FLOATS, x[x1 + k]);
      a1 = low.fma(v, a1);
      b1 = high.fma(v, b1);
      v = FloatVector.broadcast(FLOATS, x[x2 + k]);
      a2 = low.fma(v, a2);
      b2 = high.fma(v, b2);
      v = FloatVector.broadcast(FLOATS, x[x3 + k]);
      a3 = low.fma(v, a3);
      b3 = high.fma(v, b3);
    }
    int p = o + LANES;
    FloatVector.fromArray(FLOATS, out, o).add(a0).intoArray(out, o);
    FloatVector.fromArray(FLOATS, out, p).add(b0).intoArray(out, p);
    FloatVector.fromArray(FLOATS, out, o + os).add(a1).intoArray(out, o + os);
    FloatVector.fromArray(FLOATS, out, p + os).add(b1).intoArray(out, p + os);
    FloatVector.fromArray(FLOATS, out, o + 2 * os).add(a2).intoArray(out, o + 2 * os);
    FloatVector.fromArray(FLOATS, out, p + 2 * os).add(b2).intoArray(out, p + 2 * os);
    FloatVector.fromArray(FLOATS, out, o + 3 * os).add(a3).intoArray(out, o + 3 * os);
    FloatVector.fromArray(FLOATS, out, p + 3 * os).add(b3).intoArray(out, p + 3 * os);
  }

  private static void fourRows(
      float[] values,
      int w,
      int chain,
      float[] x,
      int x0,
      int xStride,
      float[] out,
      int o,
      int os) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector b2 = a0;
    FloatVector b3 = a0;
    int x1 = x0 + xStride;
    int x2 = x1 + xStride;
    int x3 = x2 + xStride;
    for (int k = 0; k < chain; k++) {
      FloatVector low = FloatVector.fromArray(FLOATS, values, w + k * 2 * LANES);
      FloatVector high = FloatVector.fromArray(FLOATS, values, w + k * 2 * LANES + LANES);
      FloatVector v = FloatVector.broadcast(FLOATS, x[x0 + k]);
      a0 = low.fma(v, a0);
      b0 = high.fma(v, b0);
      v = FloatVector.broadcast(FLOATS, x[x1 + k]);
      a1 = low.fma(v, a1);
      b1 = high.fma(v, b1);
      v = FloatVector.broadcast(FLOATS, x[x2 + k]);
      a2 = low.fma(v, a2);
      b2 = high.fma(v, b2);
      v = FloatVector.broadcast(FLOATS, x[x3 + k]);
      a3 = low.fma(v, a3);
      b3 = high.fma(v, b3);
    }
    int p = o + LANES;
    FloatVector.fromArray(FLOATS, out, o).add(a0).intoArray(out, o);
    FloatVector.fromArray(FLOATS, out, p).add(b0).intoArray(out, p);
    FloatVector.fromArray(FLOATS, out, o + os).add(a1).intoArray(out, o + os);
    FloatVector.fromArray(FLOATS, out, p + os).add(b1).intoArray(out, p + os);
    FloatVector.fromArray(FLOATS, out, o + 2 * os).add(a2).intoArray(out, o + 2 * os);
    FloatVector.fromArray(FLOATS, out, p + 2 * os).add(b2).intoArray(out, p + 2 * os);
    FloatVector.fromArray(FLOATS, out, o + 3 * os).add(a3).intoArray(out, o + 3 * os);
    FloatVector.fromArray(FLOATS, out, p + 3 * os).add(b3).intoArray(out, p + 3 * os);
  }

  private static void oneRow(int[] pairs, int w, int chain, float[] x, int x0, float[] out, int o) {
    FloatVector a = FloatVector.zero(FLOATS);
    FloatVector b = a;
    for (int k = 0; k < chain; k++) {
      IntVector pair = IntVector.fromArray(INTS, pairs, w + k * LANES);
      FloatVector v = FloatVector.broadcast(FLOATS, x[x0 + k]);
      a = pair.lanewise(LSHL, 16).reinterpretAsFloats().fma(v, a);
      b = pair.and(UPPER_HALF).reinterpretAsFloats().fma(v, b);
    }
    FloatVector.fromArray(FLOATS, out, o).add(a).intoArray(out, o);
    FloatVector.fromArray(FLOATS, out, o + LANES).add(b).intoArray(out, o + LANES);
  }

  private static void oneRow(
      float[] values, int w, int chain, float[] x, int x0, float[] out, int o) {
    FloatVector a = FloatVector.zero(FLOATS);
    FloatVector b = a;
    for (int k = 0; k < chain; k++) {
      FloatVector v = FloatVector.broadcast(FLOATS, x[x0 + k]);
      a = FloatVector.fromArray(FLOATS, values, w + k * 2 * LANES).fma(v, a);
      b = FloatVector.fromArray(FLOATS, values, w + k * 2 * LANES + LANES).fma(v, b);
    }
    FloatVector.fromArray(FLOATS, out, o).add(a).intoArray(out, o);
    FloatVector.fromArray(FLOATS, out, o + LANES).add(b).intoArray(out, o + LANES);
  }

  /** One row, where memory is the limit: two streams of weights keep more loads in flight. */
  private static void twoPanels(
      int[] pairs, int at, int inputs, float[] x, int x0, float[] out, int o) {
    for (int k = 0; k < inputs; k += PackedMatrix.CHAIN_INPUTS) {
      int chain = Math.min(PackedMatrix.CHAIN_INPUTS, inputs - k);
      for (int lane = 0; lane < LANES; lane += LENGTH) {
        int w = at + k * LANES + lane;
        twoChains(pairs, w, w + inputs * LANES, chain, x, x0 + k, out, o + lane);
      }
    }
  }

  private static void twoChains(
      int[] pairs, int w0, int w1, int chain, float[] x, int x0, float[] out, int o) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector b0 = a0;
    FloatVector a1 = a0;
    FloatVector b1 = a0;
    for (int k = 0; k < chain; k++) {
      FloatVector v = FloatVector.broadcast(FLOATS, x[x0 + k]);
      IntVector p = IntVector.fromArray(INTS, pairs, w0 + k * LANES);
      a0 = p.lanewise(LSHL, 16).reinterpretAsFloats().fma(v, a0);
      b0 = p.and(UPPER_HALF).reinterpretAsFloats().fma(v, b0);
      IntVector q = IntVector.fromArray(INTS, pairs, w1 + k * LANES);
      a1 = q.lanewise(LSHL, 16).reinterpretAsFloats().fma(v, a1);
      b1 = q.and(UPPER_HALF).reinterpretAsFloats().fma(v, b1);
    }
    FloatVector.fromArray(FLOATS, out, o).add(a0).intoArray(out, o);
    FloatVector.fromArray(FLOATS, out, o + LANES).add(b0).intoArray(out, o + LANES);
    FloatVector.fromArray(FLOATS, out, o + 2 * LANES).add(a1).intoArray(out, o + 2 * LANES);
    FloatVector.fromArray(FLOATS, out, o + 3 * LANES).add(b1).intoArray(out, o + 3 * LANES);
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
    int whole = size - size % LANES;
    for (int lane = 0; lane < LANES; lane += LENGTH) {
      FloatVector sum = FloatVector.zero(FLOATS);
      for (int i = lane; i < whole; i += LANES) {
        FloatVector v = FloatVector.fromArray(FLOATS, x, xOffset + i);
        sum = v.fma(v, sum);
      }
      sum.intoArray(lanes, lane);
    }
    for (int i = whole; i < size; i++) {
      float v = x[xOffset + i];
      lanes[i - whole] = Math.fma(v, v, lanes[i - whole]);
    }
    float scale = ScalarKernels.inverseRoot(CpuKernels.addLanes(lanes), size, epsilon);
    int i = 0;
    for (; i + LENGTH <= size; i += LENGTH) {
      FloatVector.fromArray(FLOATS, x, xOffset + i)
          .mul(scale)
          .mul(FloatVector.fromArray(FLOATS, weight, i))
          .intoArray(out, outOffset + i);
    }
    for (; i < size; i++) {
      out[outOffset + i] = x[xOffset + i] * scale * weight[i];
    }
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
    int whole = size - size % LENGTH;
    for (int i = 0; i < whole; i += LENGTH) {
      // The exponential is written out here and in exponentiate: see the class comment.
      FloatVector g = FloatVector.fromArray(FLOATS, gate, gateOffset + i);
      FloatVector x = FloatVector.zero(FLOATS).sub(g).max(Exponential.MIN).min(Exponential.MAX);
      FloatVector rounded =
          x.fma(
              FloatVector.broadcast(FLOATS, Exponential.LOG2_E),
              FloatVector.broadcast(FLOATS, Exponential.ROUND));
      FloatVector n = rounded.sub(Exponential.ROUND);
      FloatVector r = n.fma(FloatVector.broadcast(FLOATS, -Exponential.LN2_HIGH), x);
      r = n.fma(FloatVector.broadcast(FLOATS, -Exponential.LN2_LOW), r);
      FloatVector p = FloatVector.broadcast(FLOATS, Exponential.C7);
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C6));
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C5));
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C4));
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C3));
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C2));
      p = p.fma(r, FloatVector.broadcast(FLOATS, 1f));
      p = p.fma(r, FloatVector.broadcast(FLOATS, 1f));
      IntVector exponent = rounded.reinterpretAsInts().lanewise(LSHL, 23);
      FloatVector e = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
      g.div(e.add(1))
          .mul(FloatVector.fromArray(FLOATS, up, upOffset + i))
          .intoArray(out, outOffset + i);
    }
    for (int i = whole; i < size; i++) {
      out[outOffset + i] = ScalarKernels.silu(gate[gateOffset + i]) * up[upOffset + i];
    }
  }

  @Override
  public float exponentials(float[] scores, int offset, int count, float[] lanes) {
    int padded = (count + LANES - 1) / LANES * LANES;
    for (int i = count; i < padded; i++) {
      scores[offset + i] = Float.NEGATIVE_INFINITY;
    }
    FloatVector top = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < padded; i += LENGTH) {
      top = top.max(FloatVector.fromArray(FLOATS, scores, offset + i));
    }
    top.intoArray(lanes, 0);
    float maximum = lanes[0];
    for (int i = 1; i < LENGTH; i++) {
      maximum = Math.max(maximum, lanes[i]);
    }
    exponentiate(scores, offset, padded, maximum);
    for (int lane = 0; lane < LANES; lane += LENGTH) {
      FloatVector sum = FloatVector.zero(FLOATS);
      for (int i = lane; i < padded; i += LANES) {
        sum = sum.add(FloatVector.fromArray(FLOATS, scores, offset + i));
      }
      sum.intoArray(lanes, lane);
    }
    return CpuKernels.addLanes(lanes);
  }

  /** {@code values = exp(values - shift)}, the vector form of {@link Exponential#exp}. */
  private static void exponentiate(float[] values, int offset, int size, float shift) {
    FloatVector log2e = FloatVector.broadcast(FLOATS, Exponential.LOG2_E);
    FloatVector round = FloatVector.broadcast(FLOATS, Exponential.ROUND);
    FloatVector ln2High = FloatVector.broadcast(FLOATS, -Exponential.LN2_HIGH);
    FloatVector ln2Low = FloatVector.broadcast(FLOATS, -Exponential.LN2_LOW);
    for (int i = offset; i < offset + size; i += LENGTH) {
      FloatVector x =
          FloatVector.fromArray(FLOATS, values, i)
              .sub(shift)
              .max(Exponential.MIN)
              .min(Exponential.MAX);
      FloatVector rounded = x.fma(log2e, round);
      FloatVector n = rounded.sub(round);
      FloatVector r = n.fma(ln2Low, n.fma(ln2High, x));
      FloatVector p = FloatVector.broadcast(FLOATS, Exponential.C7);
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C6));
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C5));
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C4));
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C3));
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C2));
      p = p.fma(r, FloatVector.broadcast(FLOATS, 1f));
      p = p.fma(r, FloatVector.broadcast(FLOATS, 1f));
      IntVector exponent = rounded.reinterpretAsInts().lanewise(LSHL, 23);
      p.reinterpretAsInts().add(exponent).reinterpretAsFloats().intoArray(values, i);
    }
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
    for (int row = 0; row < PAGE_ROWS; row += 4 * LENGTH) {
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector b0 = a0;
      FloatVector b1 = a0;
      FloatVector b2 = a0;
      FloatVector b3 = a0;
      int at = pageOffset + row;
      for (int d = 0; d < headDim; d++) {
        FloatVector q0 = FloatVector.broadcast(FLOATS, queries[query0 + d]);
        FloatVector q1 = FloatVector.broadcast(FLOATS, queries[query1 + d]);
        FloatVector k = FloatVector.fromArray(FLOATS, page, at + d * PAGE_ROWS);
        a0 = k.fma(q0, a0);
        b0 = k.fma(q1, b0);
        k = FloatVector.fromArray(FLOATS, page, at + d * PAGE_ROWS + LENGTH);
        a1 = k.fma(q0, a1);
        b1 = k.fma(q1, b1);
        k = FloatVector.fromArray(FLOATS, page, at + d * PAGE_ROWS + 2 * LENGTH);
        a2 = k.fma(q0, a2);
        b2 = k.fma(q1, b2);
        k = FloatVector.fromArray(FLOATS, page, at + d * PAGE_ROWS + 3 * LENGTH);
        a3 = k.fma(q0, a3);
        b3 = k.fma(q1, b3);
      }
      a0.mul(scale).intoArray(scores, scores0 + row);
      a1.mul(scale).intoArray(scores, scores0 + row + LENGTH);
      a2.mul(scale).intoArray(scores, scores0 + row + 2 * LENGTH);
      a3.mul(scale).intoArray(scores, scores0 + row + 3 * LENGTH);
      b0.mul(scale).intoArray(scores, scores1 + row);
      b1.mul(scale).intoArray(scores, scores1 + row + LENGTH);
      b2.mul(scale).intoArray(scores, scores1 + row + 2 * LENGTH);
      b3.mul(scale).intoArray(scores, scores1 + row + 3 * LENGTH);
    }
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
    for (int row = 0; row < PAGE_ROWS; row += 4 * LENGTH) {
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      int at = pageOffset + row;
      for (int d = 0; d < headDim; d++) {
        FloatVector q = FloatVector.broadcast(FLOATS, queries[query + d]);
        int key = at + d * PAGE_ROWS;
        a0 = FloatVector.fromArray(FLOATS, page, key).fma(q, a0);
        a1 = FloatVector.fromArray(FLOATS, page, key + LENGTH).fma(q, a1);
        a2 = FloatVector.fromArray(FLOATS, page, key + 2 * LENGTH).fma(q, a2);
        a3 = FloatVector.fromArray(FLOATS, page, key + 3 * LENGTH).fma(q, a3);
      }
      a0.mul(scale).intoArray(scores, scoresOffset + row);
      a1.mul(scale).intoArray(scores, scoresOffset + row + LENGTH);
      a2.mul(scale).intoArray(scores, scoresOffset + row + 2 * LENGTH);
      a3.mul(scale).intoArray(scores, scoresOffset + row + 3 * LENGTH);
    }
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
    for (int pair = 0; pair < PAGE_ROWS / 2; pair += LENGTH) {
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector b0 = a0;
      FloatVector b1 = a0;
      int at = pageOffset + pair;
      for (int d = 0; d < headDim; d++) {
        FloatVector q0 = FloatVector.broadcast(FLOATS, queries[query0 + d]);
        FloatVector q1 = FloatVector.broadcast(FLOATS, queries[query1 + d]);
        IntVector k = IntVector.fromArray(INTS, page, at + d * (PAGE_ROWS / 2));
        FloatVector low = k.lanewise(LSHL, 16).reinterpretAsFloats();
        FloatVector high = k.and(UPPER_HALF).reinterpretAsFloats();
        a0 = low.fma(q0, a0);
        a1 = high.fma(q0, a1);
        b0 = low.fma(q1, b0);
        b1 = high.fma(q1, b1);
      }
      int row = Bf16Pairs.element(pair);
      a0.mul(scale).intoArray(scores, scores0 + row);
      a1.mul(scale).intoArray(scores, scores0 + row + LANES);
      b0.mul(scale).intoArray(scores, scores1 + row);
      b1.mul(scale).intoArray(scores, scores1 + row + LANES);
    }
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
    for (int pair = 0; pair < PAGE_ROWS / 2; pair += LENGTH) {
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      int at = pageOffset + pair;
      for (int d = 0; d < headDim; d++) {
        FloatVector q = FloatVector.broadcast(FLOATS, queries[query + d]);
        IntVector k = IntVector.fromArray(INTS, page, at + d * (PAGE_ROWS / 2));
        a0 = k.lanewise(LSHL, 16).reinterpretAsFloats().fma(q, a0);
        a1 = k.and(UPPER_HALF).reinterpretAsFloats().fma(q, a1);
      }
      int row = Bf16Pairs.element(pair);
      a0.mul(scale).intoArray(scores, scoresOffset + row);
      a1.mul(scale).intoArray(scores, scoresOffset + row + LANES);
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
    int d = 0;
    for (; d + 4 * LENGTH <= width; d += 4 * LENGTH) {
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector b0 = a0;
      FloatVector b1 = a0;
      FloatVector b2 = a0;
      FloatVector b3 = a0;
      for (int row = 0; row < rows; row++) {
        FloatVector p0 = FloatVector.broadcast(FLOATS, weights[weights0 + row]);
        FloatVector p1 = FloatVector.broadcast(FLOATS, weights[weights1 + row]);
        int at = pageOffset + row * width + d;
        FloatVector v = FloatVector.fromArray(FLOATS, page, at);
        a0 = v.fma(p0, a0);
        b0 = v.fma(p1, b0);
        v = FloatVector.fromArray(FLOATS, page, at + LENGTH);
        a1 = v.fma(p0, a1);
        b1 = v.fma(p1, b1);
        v = FloatVector.fromArray(FLOATS, page, at + 2 * LENGTH);
        a2 = v.fma(p0, a2);
        b2 = v.fma(p1, b2);
        v = FloatVector.fromArray(FLOATS, page, at + 3 * LENGTH);
        a3 = v.fma(p0, a3);
        b3 = v.fma(p1, b3);
      }
      int d0 = out0 + d;
      FloatVector.fromArray(FLOATS, out, d0).add(a0).intoArray(out, d0);
      FloatVector.fromArray(FLOATS, out, d0 + LENGTH).add(a1).intoArray(out, d0 + LENGTH);
      FloatVector.fromArray(FLOATS, out, d0 + 2 * LENGTH).add(a2).intoArray(out, d0 + 2 * LENGTH);
      FloatVector.fromArray(FLOATS, out, d0 + 3 * LENGTH).add(a3).intoArray(out, d0 + 3 * LENGTH);
      int d1 = out1 + d;
      FloatVector.fromArray(FLOATS, out, d1).add(b0).intoArray(out, d1);
      FloatVector.fromArray(FLOATS, out, d1 + LENGTH).add(b1).intoArray(out, d1 + LENGTH);
      FloatVector.fromArray(FLOATS, out, d1 + 2 * LENGTH).add(b2).intoArray(out, d1 + 2 * LENGTH);
      FloatVector.fromArray(FLOATS, out, d1 + 3 * LENGTH).add(b3).intoArray(out, d1 + 3 * LENGTH);
    }
    for (; d < width; d += LENGTH) {
      valuesTail(page, pageOffset + d, width, rows, weights, weights0, out, out0 + d);
      valuesTail(page, pageOffset + d, width, rows, weights, weights1, out, out1 + d);
    }
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
    int d = 0;
    for (; d + 4 * LENGTH <= width; d += 4 * LENGTH) {
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      for (int row = 0; row < rows; row++) {
        FloatVector p = FloatVector.broadcast(FLOATS, weights[weightsOffset + row]);
        int value = pageOffset + row * width + d;
        a0 = FloatVector.fromArray(FLOATS, page, value).fma(p, a0);
        a1 = FloatVector.fromArray(FLOATS, page, value + LENGTH).fma(p, a1);
        a2 = FloatVector.fromArray(FLOATS, page, value + 2 * LENGTH).fma(p, a2);
        a3 = FloatVector.fromArray(FLOATS, page, value + 3 * LENGTH).fma(p, a3);
      }
      int at = outOffset + d;
      FloatVector.fromArray(FLOATS, out, at).add(a0).intoArray(out, at);
      FloatVector.fromArray(FLOATS, out, at + LENGTH).add(a1).intoArray(out, at + LENGTH);
      FloatVector.fromArray(FLOATS, out, at + 2 * LENGTH).add(a2).intoArray(out, at + 2 * LENGTH);
      FloatVector.fromArray(FLOATS, out, at + 3 * LENGTH).add(a3).intoArray(out, at + 3 * LENGTH);
    }
    for (; d < width; d += LENGTH) {
      valuesTail(page, pageOffset + d, width, rows, weights, weightsOffset, out, outOffset + d);
    }
  }

  private static void valuesTail(
      float[] page,
      int at,
      int width,
      int rows,
      float[] weights,
      int weightsOffset,
      float[] out,
      int outOffset) {
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int row = 0; row < rows; row++) {
      FloatVector p = FloatVector.broadcast(FLOATS, weights[weightsOffset + row]);
      sum = FloatVector.fromArray(FLOATS, page, at + row * width).fma(p, sum);
    }
    FloatVector.fromArray(FLOATS, out, outOffset).add(sum).intoArray(out, outOffset);
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
    int pairs = width / 2;
    for (int pair = 0; pair < pairs; pair += LENGTH) {
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector b0 = a0;
      FloatVector b1 = a0;
      for (int row = 0; row < rows; row++) {
        FloatVector p0 = FloatVector.broadcast(FLOATS, weights[weights0 + row]);
        FloatVector p1 = FloatVector.broadcast(FLOATS, weights[weights1 + row]);
        IntVector v = IntVector.fromArray(INTS, page, pageOffset + row * pairs + pair);
        FloatVector low = v.lanewise(LSHL, 16).reinterpretAsFloats();
        FloatVector high = v.and(UPPER_HALF).reinterpretAsFloats();
        a0 = low.fma(p0, a0);
        a1 = high.fma(p0, a1);
        b0 = low.fma(p1, b0);
        b1 = high.fma(p1, b1);
      }
      int d0 = out0 + Bf16Pairs.element(pair);
      FloatVector.fromArray(FLOATS, out, d0).add(a0).intoArray(out, d0);
      FloatVector.fromArray(FLOATS, out, d0 + LANES).add(a1).intoArray(out, d0 + LANES);
      int d1 = out1 + Bf16Pairs.element(pair);
      FloatVector.fromArray(FLOATS, out, d1).add(b0).intoArray(out, d1);
      FloatVector.fromArray(FLOATS, out, d1 + LANES).add(b1).intoArray(out, d1 + LANES);
    }
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
    int pairs = width / 2;
    for (int pair = 0; pair < pairs; pair += LENGTH) {
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      for (int row = 0; row < rows; row++) {
        FloatVector p = FloatVector.broadcast(FLOATS, weights[weightsOffset + row]);
        IntVector v = IntVector.fromArray(INTS, page, pageOffset + row * pairs + pair);
        a0 = v.lanewise(LSHL, 16).reinterpretAsFloats().fma(p, a0);
        a1 = v.and(UPPER_HALF).reinterpretAsFloats().fma(p, a1);
      }
      int d = outOffset + Bf16Pairs.element(pair);
      FloatVector.fromArray(FLOATS, out, d).add(a0).intoArray(out, d);
      FloatVector.fromArray(FLOATS, out, d + LANES).add(a1).intoArray(out, d + LANES);
    }
  }
}
