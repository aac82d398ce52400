package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/** {@code kv_compact}: kept and window rows move together, in place and in order. */
public final class KvCompactKernel {
  private static final int THREADS_PER_ELEMENT = 4;

  private final Launcher launcher;
  private final HeadShape heads;
  private final CUfunction function;

  /** Looks the kernel up. */
  public KvCompactKernel(Launcher launcher, HeadShape heads) {
    this.launcher = launcher;
    this.heads = heads;
    this.function = launcher.kernel("kv_compact", 0);
  }

  /** Compacts the lanes of {@code due} by the lists of {@code slots}. */
  public void enqueue(
      RpcScoreKernel.Cache cache, long due, int numDue, long slots, CompressionShape shape) {
    launcher
        .address(cache.layerPool())
        .address(cache.pageTable())
        .address(due)
        .address(slots)
        .integer(cache.maxPages())
        .integer(shape.numLayers())
        .integer(heads.numKvHeads())
        .integer(heads.headDim())
        .integer(shape.listsPerLayer())
        .integer(Math.max(shape.maxKept(), 1))
        .launchOfStep(
            function,
            new LaunchShape(
                2 * heads.numKvHeads(),
                shape.numLayers(),
                numDue,
                THREADS_PER_ELEMENT * heads.headDim(),
                cache.maxPages() * Integer.BYTES),
            numDue);
  }
}
