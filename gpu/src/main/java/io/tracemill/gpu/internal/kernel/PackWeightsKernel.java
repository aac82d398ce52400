package io.tracemill.gpu.internal.kernel;

import io.tracemill.engine.weights.ElementType;
import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/** {@code pack_weights}: rows of a row-major weight into the packed order. */
public final class PackWeightsKernel {
  private static final int BLOCK = 256;
  private static final int BLOCKS_PER_MULTIPROCESSOR = 8;

  /** Where a source row goes. */
  public enum RowMap {
    /** One after another. */
    PLAIN,
    /** The gate half of an interleaved gate and up matrix. */
    GATE,
    /** The up half. */
    UP
  }

  private final Launcher launcher;
  private final CUfunction function;

  /** Looks the kernel up. */
  public PackWeightsKernel(Launcher launcher) {
    this.launcher = launcher;
    this.function = launcher.kernel("pack_weights", 0);
  }

  /**
   * Packs rows.
   *
   * @param source device address of {@code [numRows, inFeatures]} elements, contiguous
   * @param firstRow row of the matrix (of its gate or up half) that the first source row is
   */
  public void enqueue(
      long source,
      ElementType type,
      PackedMatrix target,
      int firstRow,
      int numRows,
      RowMap rowMap) {
    launcher
        .address(source)
        .address(target.address())
        .integer(numRows)
        .integer(target.inFeatures())
        .integer(sourceType(type))
        .integer(firstRow)
        .integer(rowMap.ordinal())
        .launch(
            function,
            LaunchShape.of(
                BLOCKS_PER_MULTIPROCESSOR * launcher.device().numMultiprocessors(), BLOCK));
  }

  private static int sourceType(ElementType type) {
    return switch (type) {
      case BF16 -> 0;
      case FP16 -> 1;
      case FP32 -> 2;
    };
  }
}
