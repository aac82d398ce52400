package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/**
 * {@code embed_decode} and {@code embed_prefill}: rows of the embedding into the residual stream.
 */
public final class EmbedKernel {
  private static final int BLOCK = 256;

  private final Launcher launcher;
  private final CUfunction decode;
  private final CUfunction prefill;

  /** Looks the kernels up. */
  public EmbedKernel(Launcher launcher) {
    this.launcher = launcher;
    this.decode = launcher.kernel("embed_decode", 0);
    this.prefill = launcher.kernel("embed_prefill", 0);
  }

  /**
   * Embeds the newest token of each row's lane.
   *
   * @param table {@code [vocab, hidden]} bf16
   * @param tokenId {@code [lanes]} int32
   * @param laneOf {@code [rows]} int32, -1 for rows without a lane
   * @param residual {@code [rows, hidden]} float
   */
  public void enqueueDecode(
      long table, long tokenId, long laneOf, long residual, int rows, int hidden) {
    launcher
        .address(table)
        .address(tokenId)
        .address(laneOf)
        .address(residual)
        .integer(hidden)
        .launchOfStep(decode, LaunchShape.of(rows, BLOCK), rows);
  }

  /** Embeds {@code tokens [rows]} int32. */
  public void enqueuePrefill(long table, long tokens, long residual, int rows, int hidden) {
    launcher
        .address(table)
        .address(tokens)
        .address(residual)
        .integer(hidden)
        .launch(prefill, LaunchShape.of(rows, BLOCK));
  }
}
