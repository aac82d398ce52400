package io.tracemill.engine.cpu;

import static io.tracemill.engine.cpu.CpuKernels.LANES;
import static io.tracemill.engine.cpu.VectorShape.FLOATS;
import static io.tracemill.engine.cpu.VectorShape.LENGTH;
import static jdk.incubator.vector.VectorOperators.LSHL;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Norms, activations and exponentials, element by element. */
final class VectorElements {
  private VectorElements() {}

  // ---- elementwise

  static void rmsNorm(
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

  static void siluMultiply(
      float[] gate,
      int gateOffset,
      float[] up,
      int upOffset,
      float[] out,
      int outOffset,
      int size) {
    int whole = size - size % LENGTH;
    for (int i = 0; i < whole; i += LENGTH) {
      // The exponential is written out here and in exponentiate: see VectorKernels.
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

  static float exponentials(float[] scores, int offset, int count, float[] lanes) {
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
}
