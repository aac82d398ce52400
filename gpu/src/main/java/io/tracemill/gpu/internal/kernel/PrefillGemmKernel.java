package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/**
 * {@code prefill_gemm} and {@code prefill_gemm_m128}: matrix products of many tokens; a row's bits
 * do not depend on how many, or on which of the two.
 */
public final class PrefillGemmKernel {
  /** Tokens that one tile of {@code prefill_gemm_m128} holds; with more it reads weights again. */
  static final int MAX_NARROW_ROWS = 128;

  private static final int BLOCK = 384;

  private final Launcher launcher;
  private final LaunchShape shape;
  private final CUfunction wide;
  private final CUfunction narrow;

  /** Looks the kernels up. */
  public PrefillGemmKernel(Launcher launcher) {
    this.launcher = launcher;
    int sharedBytes = launcher.device().sharedBytesPerBlock();
    this.shape =
        new LaunchShape(launcher.device().numMultiprocessors() / 2 * 2, 1, 1, BLOCK, sharedBytes);
    this.wide = launcher.kernel("prefill_gemm", sharedBytes);
    this.narrow = launcher.kernel("prefill_gemm_m128", sharedBytes);
  }

  /**
   * Multiplies.
   *
   * @param weights W, {@code [n, k]}
   * @param x {@code [rows, k]} bf16
   * @param y {@code [rows, n]} float, or {@code [rows, n / 2]} bf16 for {@link Epilogue#SILU_MUL}
   * @param numRows device address of the number of rows
   * @param rows the same
   */
  public void enqueue(
      PackedMatrix weights, long x, long y, long numRows, int rows, Epilogue epilogue) {
    launcher
        .address(weights.address())
        .address(x)
        .address(y)
        .address(0)
        .address(numRows)
        .integer(weights.outFeatures())
        .integer(weights.inFeatures())
        .integer(epilogue.ordinal())
        .launch(rows <= launcher.tuning().narrowPrefillRows() ? narrow : wide, shape);
  }
}
