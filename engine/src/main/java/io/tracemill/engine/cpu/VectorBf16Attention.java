package io.tracemill.engine.cpu;

import static io.tracemill.engine.cpu.CpuKernels.LANES;
import static io.tracemill.engine.cpu.VectorShape.FLOATS;
import static io.tracemill.engine.cpu.VectorShape.INTS;
import static io.tracemill.engine.cpu.VectorShape.LENGTH;
import static io.tracemill.engine.cpu.VectorShape.UPPER_HALF;
import static jdk.incubator.vector.VectorOperators.LSHL;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Scores and weighted values of a page of bf16 keys and values, two to an int. */
final class VectorBf16Attention {
  private static final int PAGE_ROWS = KvPages.ROWS;

  private VectorBf16Attention() {}

  static void keyScores(
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

  static void keyScores(
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

  static void weightedValues(
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

  static void weightedValues(
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
