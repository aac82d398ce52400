package io.tracemill.engine.cpu;

import static io.tracemill.engine.cpu.CpuKernels.LANES;
import static io.tracemill.engine.cpu.VectorShape.FLOATS;
import static io.tracemill.engine.cpu.VectorShape.INTS;
import static io.tracemill.engine.cpu.VectorShape.LENGTH;
import static io.tracemill.engine.cpu.VectorShape.UPPER_HALF;
import static jdk.incubator.vector.VectorOperators.LSHL;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Products with bf16 weights, two to an int. The bodies repeat those of {@link
 * VectorFloat32Products}: see {@link VectorKernels}.
 */
final class VectorBf16Products {
  private VectorBf16Products() {}

  /** {@link CpuKernels#multiplyAdd} for the pairs of a {@link Bf16Matrix}. */
  static void multiplyAdd(
      int[] pairs,
      int inputs,
      int firstPanel,
      int numPanels,
      float[] x,
      int xFirst,
      int xStride,
      int rows,
      float[] out,
      int outOffset,
      int outStride) {
    int panelInts = inputs * LANES;
    int at = firstPanel * panelInts;
    int panel = 0;
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
}
