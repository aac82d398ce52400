package io.tracemill.engine.cpu;

import io.tracemill.engine.cpu.MatrixPacker.Arrangement;
import io.tracemill.engine.weights.WeightTensor;
import java.util.Arrays;
import java.util.List;

/**
 * Runs single kernels of the CPU backend, for benchmarks. Not used by the engine.
 *
 * <p><b>Threads.</b> Used by one thread, which is one of the workers.
 */
public final class CpuKernelProbe implements AutoCloseable {
  private final CpuKernels kernels = KernelChoice.kernels();
  private final WorkerPool pool;
  private final PackedMatrix matrix;
  private final float[] x;
  private final float[] out;
  private final int rows;
  private final long[] sums;
  private final int parts;

  private CpuKernelProbe(WeightTensor weights, int rows, int threads) {
    this.pool = new WorkerPool(threads);
    this.matrix = new MatrixPacker(pool).pack(Arrangement.STACKED, List.of(weights));
    this.rows = rows;
    this.x = new float[rows * matrix.inFeatures()];
    this.out = new float[rows * matrix.numPanels() * PackedMatrix.PANEL_OUTPUTS];
    this.parts = Math.min(matrix.numPanels(), 8 * threads);
    this.sums = new long[parts];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i % 17 - 8) / 8f;
    }
  }

  /**
   * A probe for products with one bf16 matrix.
   *
   * @param weights {@code [outFeatures, inFeatures]} in bf16
   * @param rows rows that are multiplied together, at least 1
   * @param threads workers, at least 1
   */
  public static CpuKernelProbe of(WeightTensor weights, int rows, int threads) {
    return new CpuKernelProbe(weights, rows, threads);
  }

  /** Kernels in use, for people. */
  public String kernels() {
    return kernels.description();
  }

  /** Bytes of the packed weights. */
  public long weightBytes() {
    return matrix.byteSize();
  }

  /** Multiplies once; returns the first output, so that the work is used. */
  public float multiply() {
    int width = matrix.numPanels() * PackedMatrix.PANEL_OUTPUTS;
    Arrays.fill(out, 0);
    pool.forEach(
        parts,
        (part, worker) -> {
          int first = start(part);
          kernels.multiplyAdd(
              matrix,
              first,
              start(part + 1) - first,
              x,
              matrix.inFeatures(),
              rows,
              0,
              out,
              first * PackedMatrix.PANEL_OUTPUTS,
              width);
        });
    return out[0];
  }

  /**
   * Reads all packed weights once and does next to nothing with them; returns their sum. Needs the
   * module of the Vector API.
   */
  public long stream() {
    int[] pairs = ((Bf16Matrix) matrix).pairs();
    int panelInts = matrix.inFeatures() * Bf16Matrix.PAIRS;
    pool.forEach(
        parts,
        (part, worker) ->
            sums[part] =
                StreamingRead.sum(pairs, start(part) * panelInts, start(part + 1) * panelInts));
    long sum = 0;
    for (long part : sums) {
      sum += part;
    }
    return sum;
  }

  private int start(int part) {
    return (int) ((long) matrix.numPanels() * part / parts);
  }

  @Override
  public void close() {
    pool.close();
  }
}
