package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/**
 * {@code advance_decode} and {@code publish_tokens}: the end of a batch, and its tokens to Java.
 */
public final class PublishKernel {
  /** Batches whose tokens stay readable. */
  public static final int TOKEN_SLOTS = 8;

  private static final int BLOCK = 256;

  private final Launcher launcher;
  private final CUfunction advance;
  private final CUfunction publish;

  /** Looks the kernels up. */
  public PublishKernel(Launcher launcher) {
    this.launcher = launcher;
    this.advance = launcher.kernel("advance_decode", 0);
    this.publish = launcher.kernel("publish_tokens", 0);
  }

  /**
   * Where tokens go.
   *
   * @param tokenId {@code [lanes]} int32, the newest token of each lane
   * @param stepSequence {@code [1]} int32 on the device, batches published
   * @param hostTokens device address of mapped {@code [8, 256]} int32
   * @param hostSequence device address of a mapped int32
   */
  public record Outlet(long tokenId, long stepSequence, long hostTokens, long hostSequence) {}

  /** Advances position and row count of every row's lane, then publishes its token. */
  public void enqueueAdvance(BatchRows batch, Outlet outlet, int rows) {
    launcher
        .address(batch.laneOf())
        .address(outlet.tokenId())
        .address(batch.position())
        .address(batch.kvLen())
        .address(outlet.stepSequence())
        .address(outlet.hostTokens())
        .address(outlet.hostSequence())
        .integer(rows)
        .launchOfStep(advance, LaunchShape.of(1, BLOCK), rows);
  }

  /** Publishes the tokens of {@code laneOf [rows]}; rows may be 0. */
  public void enqueuePublish(long laneOf, Outlet outlet, int rows) {
    launcher
        .address(laneOf)
        .address(outlet.tokenId())
        .address(outlet.stepSequence())
        .address(outlet.hostTokens())
        .address(outlet.hostSequence())
        .integer(rows)
        .launch(publish, LaunchShape.of(1, BLOCK));
  }
}
