package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/**
 * {@code rms_norm_decode}, {@code rms_norm_prefill}, {@code rms_norm_gather}: float rows {@code
 * [rows, hidden]} to normalised bf16 rows of the same shape.
 */
public final class RmsNormKernel {
  private static final int BLOCK = 512;

  private final Launcher launcher;
  private final int hidden;
  private final float eps;
  private final CUfunction decode;
  private final CUfunction prefill;
  private final CUfunction gather;

  /** Looks the kernels up. */
  public RmsNormKernel(Launcher launcher, int hidden, float eps) {
    this.launcher = launcher;
    this.hidden = hidden;
    this.eps = eps;
    this.decode = launcher.kernel("rms_norm_decode", 0);
    this.prefill = launcher.kernel("rms_norm_prefill", 0);
    this.gather = launcher.kernel("rms_norm_gather", 0);
  }

  /** Rows whose {@code laneOf [rows]} is not -1. */
  public void enqueueDecode(long x, long weight, long out, long laneOf, int rows) {
    launcher
        .address(x)
        .address(weight)
        .address(out)
        .address(laneOf)
        .integer(hidden)
        .number(eps)
        .launchOfStep(decode, LaunchShape.of(rows, BLOCK), rows);
  }

  /** Every row. */
  public void enqueuePrefill(long x, long weight, long out, int rows) {
    launcher
        .address(x)
        .address(weight)
        .address(out)
        .integer(hidden)
        .number(eps)
        .launch(prefill, LaunchShape.of(rows, BLOCK));
  }

  /** Output row i from input row {@code sourceRow[i]}, none for -1. */
  public void enqueueGather(long x, long weight, long out, long sourceRow, int rows) {
    launcher
        .address(x)
        .address(weight)
        .address(out)
        .address(sourceRow)
        .integer(hidden)
        .number(eps)
        .launch(gather, LaunchShape.of(rows, BLOCK));
  }
}
