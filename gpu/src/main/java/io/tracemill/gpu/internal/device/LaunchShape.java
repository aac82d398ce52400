package io.tracemill.gpu.internal.device;

/**
 * Shape of a kernel launch.
 *
 * @param gridX thread blocks, first dimension
 * @param gridY thread blocks, second dimension
 * @param gridZ thread blocks, third dimension
 * @param blockThreads threads of a block
 * @param sharedBytes dynamic shared memory of a block
 */
public record LaunchShape(int gridX, int gridY, int gridZ, int blockThreads, int sharedBytes) {
  private static final int MAX_GRID_YZ = 65_535;

  public LaunchShape {
    if (gridX < 1
        || gridY < 1
        || gridZ < 1
        || gridY > MAX_GRID_YZ
        || gridZ > MAX_GRID_YZ
        || blockThreads < 1
        || blockThreads > 1024
        || sharedBytes < 0) {
      throw new IllegalArgumentException(
          "no launch shape: grid %d x %d x %d, block %d, shared %d"
              .formatted(gridX, gridY, gridZ, blockThreads, sharedBytes));
    }
  }

  /** A one-dimensional grid without dynamic shared memory. */
  public static LaunchShape of(int gridX, int blockThreads) {
    return new LaunchShape(gridX, 1, 1, blockThreads, 0);
  }
}
