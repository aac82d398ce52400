package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import io.tracemill.gpu.internal.kernel.Tuning.ProductMemory;
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

  /** Bytes of one stage of the ring but for its tokens, of a token, and of what is no stage. */
  private static final int STAGE_WEIGHT_BYTES = 16_384;

  private static final int STAGE_TOKEN_BYTES = 128;
  private static final int RESERVED_BYTES = 1536;
  private static final int STAGES = 4;

  /** Wider kernels have other stages and need nearly all. */
  private static final int WIDEST_SINGLE_TILE = 128;

  private final Launcher launcher;
  private final int grid;
  private final TreeMap<Integer, Variant> variants = new TreeMap<>();

  /** A kernel and the dynamic shared memory that it is launched with. */
  private record Variant(CUfunction function, int sharedBytes) {}

  /** Looks the kernels up. */
  public SkinnyGemmKernel(Launcher launcher) {
    this.launcher = launcher;
    this.grid = launcher.device().numMultiprocessors() / 2 * 2;
    for (int tokens : TOKENS) {
      int bytes = sharedBytes(launcher, tokens);
      variants.put(tokens, new Variant(launcher.kernel("skinny_gemm_m" + tokens, bytes), bytes));
    }
  }

  /** More than half of a multiprocessor's in any case, which keeps to one block on each. */
  private static int sharedBytes(Launcher launcher, int tokens) {
    int most = launcher.device().sharedBytesPerBlock();
    if (launcher.tuning().productMemory() == ProductMemory.ALL || tokens > WIDEST_SINGLE_TILE) {
      return most;
    }
    int stages = STAGES * (STAGE_WEIGHT_BYTES + tokens * STAGE_TOKEN_BYTES) + RESERVED_BYTES;
    return Math.min(most, Math.max(stages, most / 2 + 2048));
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
    Variant variant = variants.ceilingEntry(mostRows).getValue();
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
            variant.function(),
            new LaunchShape(grid, 1, 1, BLOCK, variant.sharedBytes()),
            launcher.tuning().productOrder(mostRows));
  }
}
