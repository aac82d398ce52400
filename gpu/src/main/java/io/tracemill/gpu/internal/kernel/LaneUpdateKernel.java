package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/** {@code lane_update}: words of the lane state that the host changed. */
public final class LaneUpdateKernel {
  private static final int BLOCK = 256;

  private final Launcher launcher;
  private final CUfunction function;

  /** Looks the kernel up. */
  public LaneUpdateKernel(Launcher launcher) {
    this.launcher = launcher;
    this.function = launcher.kernel("lane_update", 0);
  }

  /**
   * Writes words.
   *
   * @param updates address of {@code [count, 2]} int32 (word index, value), distinct indices
   * @param state device address of the lane state
   */
  public void enqueue(long updates, long state, int count) {
    launcher
        .address(updates)
        .address(state)
        .integer(count)
        .launch(function, LaunchShape.of((count + BLOCK - 1) / BLOCK, BLOCK));
  }
}
