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

  private static final int[] TOKENS = {8, 16, 32, 64, 128, 192, 256};
  private static final int BLOCK = 384;
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
   * Bytes of the workspace that all launches of a stream share. Every byte must be 0xFF before the
   * first launch, and is again after each.
   */
  public long workspaceBytes() {
    return grid * WORKSPACE_BYTES_PER_BLOCK;
  }

  /**
   * Multiplies.
   *
   * @param weights W, {@code [n, k]}
   * @param x {@code [rows, k]} bf16
   * @param y {@code [rows, n]} float, or {@code [rows, n / 2]} bf16 for {@link Epilogue#SILU_MUL}
   * @param numRows device address of the number of rows, at most {@code mostRows}
   * @param mostRows 1 to 256; chooses the kernel
   * @param workspace see {@link #workspaceBytes}
   */
  public void enqueue(
      PackedMatrix weights,
      long x,
      long y,
      long numRows,
      int mostRows,
      Epilogue epilogue,
      long workspace) {
    launcher
        .address(weights.address())
        .address(x)
        .address(y)
        .address(0)
        .address(numRows)
        .address(workspace)
        .integer(weights.outFeatures())
        .integer(weights.inFeatures())
        .integer(epilogue.ordinal())
        .launch(
            functions.ceilingEntry(mostRows).getValue(),
            new LaunchShape(grid, 1, 1, BLOCK, sharedBytes),
            LaunchOrder.OVERLAPPING);
  }
}
