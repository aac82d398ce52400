package io.tracemill.gpu.internal.kernel;

/**
 * The rows of a decode batch and where their lanes are described; all addresses are of int32
 * arrays.
 *
 * @param laneOf {@code [256]}, lane of each row, -1 for rows without one
 * @param numRows {@code [1]}, rows that have a lane; they come first
 * @param position {@code [lanes]}, logical position of the next row
 * @param kvLen {@code [lanes]}, rows in the cache before it
 * @param pageTable {@code [lanes, maxPages]}
 * @param maxPages entries of a lane's page table
 */
public record BatchRows(
    long laneOf, long numRows, long position, long kvLen, long pageTable, int maxPages) {
  /** Most rows of a batch. */
  public static final int MAX_ROWS = 256;
}
