package io.tracemill.engine.cpu;

import static io.tracemill.engine.cpu.VectorShape.FLOATS;
import static io.tracemill.engine.cpu.VectorShape.LENGTH;

import jdk.incubator.vector.FloatVector;

/** Scores and weighted values of a page of float32 keys and values. */
final class VectorFloat32Attention {
  private static final int PAGE_ROWS = KvPages.ROWS;

  private VectorFloat32Attention() {}

  // ---- attention

  static void keyScores(
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

  static void keyScores(
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

  static void weightedValues(
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

  static void weightedValues(
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
}
