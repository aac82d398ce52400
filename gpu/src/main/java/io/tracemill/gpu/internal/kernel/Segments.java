package io.tracemill.gpu.internal.kernel;

/**
 * The chunks of a prefill batch, one segment each; all addresses are of int32 arrays.
 *
 * @param tokens {@code [rows]}
 * @param row {@code [numSegments + 1]}, first row of each segment, then the number of rows
 * @param lane {@code [numSegments]}
 * @param position {@code [numSegments]}, logical position of the first row
 * @param slot {@code [numSegments]}, cache row of the first row
 * @param numRowsAddress {@code [1]}, the number of rows
 * @param numRows the same, for grids
 * @param numSegments chunks
 * @param numTiles sum over the segments of their rows / 128, rounded up
 */
public record Segments(
    long tokens,
    long row,
    long lane,
    long position,
    long slot,
    long numRowsAddress,
    int numRows,
    int numSegments,
    int numTiles) {
  /** Query rows of one thread block of the prefill attention. */
  public static final int TILE_ROWS = 128;
}
