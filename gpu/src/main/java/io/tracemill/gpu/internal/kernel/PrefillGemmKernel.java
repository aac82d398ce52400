package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/** {@code prefill_gemm}: matrix products of many tokens; a row's bits do not depend on how many. */
public final class PrefillGemmKernel {
  private static final int BLOCK = 384;

  private final Launcher launcher;
  private final LaunchShape shape;
  private final CUfunction function;

  /** Looks the kernel up. */
  public PrefillGemmKernel(Launcher launcher) {
    this.launcher = launcher;
    int sharedBytes = launcher.device().sharedBytesPerBlock();
    this.shape =
        new LaunchShape(launcher.device().numMultiprocessors() / 2 * 2, 1, 1, BLOCK, sharedBytes);
    this.function = launcher.kernel("prefill_gemm", sharedBytes);
  }

  /**
   * Multiplies.
   *
   * @param weights W, {@code [n, k]}
   * @param x {@code [rows, k]} bf16
   * @param y {@code [rows, n]} float, or {@code [rows, n / 2]} bf16 for {@link Epilogue#SILU_MUL}
   * @param numRows device address of the number of rows
   */
  public void enqueue(PackedMatrix weights, long x, long y, long numRows, Epilogue epilogue) {
    launcher
        .address(weights.address())
        .address(x)
        .address(y)
        .address(0)
        .address(numRows)
        .integer(weights.outFeatures())
        .integer(weights.inFeatures())
        .integer(epilogue.ordinal())
        .launch(function, shape);
  }
}
