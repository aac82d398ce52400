package io.tracemill.engine.cpu;

/** Working space of one worker. */
final class WorkerScratch {
  /** Rows of a tile in the gated MLP. */
  static final int TILE_ROWS = 64;

  final float[] lanes = new float[CpuKernels.LANES];

  /** Gate and up products of a few rows, {@code [TILE_ROWS][2 * PANEL_OUTPUTS]}. */
  final float[] tile = new float[TILE_ROWS * 2 * PackedMatrix.PANEL_OUTPUTS];

  /** Attention scores of a group of heads, {@code [queryGroupSize][scoreStride]}. */
  final float[] scores;

  /** Attention outputs of a group of heads, {@code [queryGroupSize][valueWidth]}. */
  final float[] values;

  WorkerScratch(int queryGroupSize, int scoreStride, int valueWidth) {
    scores = new float[Math.max(queryGroupSize, 2) * scoreStride];
    values = new float[queryGroupSize * valueWidth];
  }

  /** Score elements per head for a number of rows: whole pages and room for padding. */
  static int scoreStride(int maxRows) {
    return (maxRows + KvPages.ROWS - 1) / KvPages.ROWS * KvPages.ROWS + CpuKernels.LANES;
  }

  long byteSize() {
    return 4L * (tile.length + scores.length + values.length);
  }
}
