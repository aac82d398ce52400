package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/** {@code rpc_select}: pooled scores and the ascending lists of kept slots. */
public final class RpcSelectKernel {
  private static final int BLOCK = 1024;
  private static final int STATIC_SHARED_BYTES = 6_144;

  private final Launcher launcher;
  private final HeadShape heads;
  private final int mostSharedFloats;
  private final CUfunction function;

  /** Looks the kernel up. */
  public RpcSelectKernel(Launcher launcher, HeadShape heads) {
    this.launcher = launcher;
    this.heads = heads;
    int bytes = launcher.device().sharedBytesPerBlock() - STATIC_SHARED_BYTES;
    this.mostSharedFloats = bytes / Float.BYTES / 4 * 4;
    this.function = launcher.kernel("rpc_select", mostSharedFloats * Float.BYTES);
  }

  /**
   * Selects.
   *
   * @param scores raw scores of {@link RpcScoreKernel}
   * @param pooled see {@link CompressionShape#pooledBytes}
   * @param slots see {@link CompressionShape#slotBytes}
   * @param cuts see {@link CompressionShape#cutBytes}
   */
  public void enqueue(
      long due,
      int numDue,
      long scores,
      long pooled,
      long slots,
      long cuts,
      int poolingKernelSize,
      CompressionShape shape) {
    int sharedFloats = Math.min(mostSharedFloats, (shape.maxCandidates() + 3) / 4 * 4);
    launcher
        .address(scores)
        .address(due)
        .address(pooled)
        .address(slots)
        .address(cuts)
        .integer(shape.numLayers())
        .integer(heads.numKvHeads())
        .integer(heads.groupSize())
        .integer(shape.listsPerLayer())
        .integer(poolingKernelSize)
        .integer(shape.maxCandidates())
        .integer(Math.max(shape.maxKept(), 1))
        .integer(sharedFloats)
        .launchOfStep(
            function,
            new LaunchShape(
                shape.numLayers() * shape.listsPerLayer(),
                numDue,
                1,
                BLOCK,
                sharedFloats * Float.BYTES),
            numDue);
  }
}
