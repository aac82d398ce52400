package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.CudaDriver.LaunchOrder;
import io.tracemill.gpu.internal.device.LaunchShape;
import java.util.TreeMap;
import jcuda.driver.CUfunction;

/**
 * {@code skinny_gemm_m8} to {@code skinny_gemm_m256}: matrix products of up to 256 tokens. A row's
 * result is the same bits in each of them.
 */
public final class SkinnyGemmKernel {
  /** Bytes that a launch of the widest kernel leaves partial sums in, per thread block. */
  private static final long WORKSPACE_BYTES_PER_BLOCK = 2L * 128 * 256 * Float.BYTES;

  private static final int[] TOKENS = {8, 16, 32, 64, 128, 256};
  private static final int BLOCK = 384;
  private static final int COUNTERS_PER_ROW_BLOCK = 4;
  private static final int ROW_BLOCK = 256;

  /** Half slabs (16 KB) of the next matrix that a thread block asks the L2 for. */
  private static final int PREFETCH_SLABS = 8;

  private final Launcher launcher;
  private final int grid;
  private final int sharedBytes;
  private final TreeMap<Integer, CUfunction> functions = new TreeMap<>();

  /** Looks the kernels up. */
  public SkinnyGemmKernel(Launcher launcher) {
    this.launcher = launcher;
    this.grid = launcher.device().numMultiprocessors() / 2 * 2;
    this.sharedBytes = launcher.device().sharedBytesPerBlock();
    for (int tokens : TOKENS) {
      functions.put(tokens, launcher.kernel("skinny_gemm_m" + tokens, sharedBytes));
    }
  }

  /**
   * Scratch memory shared by all launches of a stream.
   *
   * @param workspace {@link #workspaceBytes} bytes
   * @param counters {@link #counterBytes} bytes, zero before the first launch
   */
  public record Scratch(long workspace, long counters) {}

  /** Bytes of the workspace. */
  public long workspaceBytes() {
    return grid * WORKSPACE_BYTES_PER_BLOCK;
  }

  /** Bytes of the counters for matrices of up to {@code mostOutFeatures} rows. */
  public static long counterBytes(int mostOutFeatures) {
    return (long) Integer.BYTES
        * COUNTERS_PER_ROW_BLOCK
        * ((mostOutFeatures + ROW_BLOCK - 1) / ROW_BLOCK);
  }

  /**
   * Multiplies.
   *
   * @param weights W, {@code [n, k]}
   * @param x {@code [rows, k]} bf16
   * @param y {@code [rows, n]} float, or {@code [rows, n / 2]} bf16 for {@link Epilogue#SILU_MUL}
   * @param numRows device address of the number of rows, at most {@code mostRows}
   * @param mostRows 1 to 256; chooses the kernel
   * @param next the matrix of the product after this one, whose first part is brought to the L2
   */
  public void enqueue(
      PackedMatrix weights,
      long x,
      long y,
      long numRows,
      int mostRows,
      Epilogue epilogue,
      Scratch scratch,
      PackedMatrix next) {
    launcher
        .address(weights.address())
        .address(x)
        .address(y)
        .address(0)
        .address(numRows)
        .address(scratch.workspace())
        .address(scratch.counters())
        .integer(weights.outFeatures())
        .integer(weights.inFeatures())
        .integer(epilogue.ordinal())
        .address(next.address())
        .integer(next.outFeatures())
        .integer(next.inFeatures())
        .integer(PREFETCH_SLABS)
        .launch(
            functions.ceilingEntry(mostRows).getValue(),
            new LaunchShape(grid, 1, 1, BLOCK, sharedBytes),
            LaunchOrder.OVERLAPPING);
  }
}
