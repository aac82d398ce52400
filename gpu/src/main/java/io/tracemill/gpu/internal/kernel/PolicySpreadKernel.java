package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/**
 * {@code policy_lag_spread_*}: LagKV's score per KV head, in the place of attention; {@code
 * policy_rank} takes the mean over a set's heads.
 */
public final class PolicySpreadKernel {
  private static final int BLOCK = 1024;

  private final Launcher launcher;
  private final HeadShape heads;
  private final CUfunction function;

  /** Looks the kernel up. */
  public PolicySpreadKernel(Launcher launcher, HeadShape heads) {
    this.launcher = launcher;
    this.heads = heads;
    this.function = launcher.kernel("policy_lag_spread" + heads.suffix(), 0);
  }

  /**
   * Enqueues the scores of lanes, each with at least as many rows after its candidates as it has
   * candidates.
   *
   * @param due {@code [numDue, 8]} int32, as for {@link PolicyScoreKernel}
   * @param shares the scores, by row of the lane; see {@link PolicyShape#rowBytes}
   * @param spreads working space of the same size
   */
  public void enqueue(
      RpcScoreKernel.Cache cache,
      long due,
      int numDue,
      long shares,
      long spreads,
      PolicyShape shape) {
    launcher
        .address(cache.layerPool())
        .address(cache.pageTable())
        .address(due)
        .address(shares)
        .address(spreads)
        .integer(cache.maxPages())
        .integer(shape.numLayers())
        .integer(heads.numKvHeads())
        .integer(shape.maxRows())
        .launch(function, new LaunchShape(heads.numKvHeads(), shape.numLayers(), numDue, BLOCK, 0));
  }
}
