package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/**
 * {@code policy_value_widths_*} and {@code policy_wide_sample}: VaSE's ranks, rows of wide values
 * first, then a draw in proportion to attention.
 */
public final class PolicyValuesKernel {
  private static final int WIDTH_BLOCK = 256;
  private static final int ROWS_PER_WIDTH_BLOCK = 64;
  private static final int SAMPLE_BLOCK = 1024;

  private final Launcher launcher;
  private final HeadShape heads;
  private final CUfunction widths;
  private final CUfunction sample;

  /** Looks the kernels up. */
  public PolicyValuesKernel(Launcher launcher, HeadShape heads) {
    this.launcher = launcher;
    this.heads = heads;
    this.widths = launcher.kernel("policy_value_widths" + heads.suffix(), 0);
    this.sample = launcher.kernel("policy_wide_sample", 0);
  }

  /**
   * Enqueues the ranks, behind {@link PolicyScoreKernel#enqueue} of {@link
   * PolicyScoreKernel.Mode#RECENT}, whose mean shares they are made of.
   *
   * @param batch the addresses of that launch: ranks are replaced, {@code sums} holds the widths
   * @param poolingKernelSize odd number of neighbouring candidates that are averaged
   * @param wideRows most rows that stay for their width
   */
  public void enqueue(
      RpcScoreKernel.Cache cache,
      PolicyScoreKernel.Batch batch,
      int poolingKernelSize,
      int wideRows,
      PolicyShape shape) {
    int blocks = (shape.maxCandidates() + ROWS_PER_WIDTH_BLOCK - 1) / ROWS_PER_WIDTH_BLOCK;
    launcher
        .address(cache.layerPool())
        .address(cache.pageTable())
        .address(batch.due())
        .address(batch.sums())
        .integer(cache.maxPages())
        .integer(shape.numLayers())
        .integer(heads.numKvHeads())
        .integer(shape.sets())
        .integer(shape.maxCandidates())
        .launch(
            widths,
            new LaunchShape(
                blocks, shape.numLayers() * shape.sets(), batch.numDue(), WIDTH_BLOCK, 0));
    launcher
        .address(batch.shares())
        .address(batch.sums())
        .address(batch.seeds())
        .address(batch.due())
        .address(batch.ranks())
        .integer(shape.numLayers())
        .integer(heads.numKvHeads())
        .integer(shape.sets())
        .integer(shape.maxRows())
        .integer(shape.maxCandidates())
        .integer(poolingKernelSize)
        .integer(wideRows)
        .launch(
            sample,
            new LaunchShape(shape.sets(), shape.numLayers(), batch.numDue(), SAMPLE_BLOCK, 0));
  }
}
