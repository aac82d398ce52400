package io.tracemill.engine.cpu;

import static io.tracemill.engine.cpu.CpuKernels.LANES;
import static io.tracemill.engine.cpu.VectorShape.FLOATS;
import static io.tracemill.engine.cpu.VectorShape.LENGTH;

import jdk.incubator.vector.FloatVector;

/**
 * Products with float32 weights. The bodies repeat those of {@link VectorBf16Products}: see {@link
 * VectorKernels}.
 */
final class VectorFloat32Products {
  private VectorFloat32Products() {}

  /** {@link CpuKernels#multiplyAdd} for the values of a {@link Float32Matrix}. */
  static void multiplyAdd(
      float[] values,
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
    int panelFloats = inputs * 2 * LANES;
    for (int panel = 0; panel < numPanels; panel++) {
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
}
