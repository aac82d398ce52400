package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/** {@code attention_work_list}: the chunks of cache rows that a decode step attends to. */
public final class AttentionWorkListKernel {
  /** Cache rows of a chunk. */
  public static final int CHUNK_ROWS = 256;

  /**
   * Least descriptors that the list must have room for: each thread block of the attention reads
   * one before it knows how many there are.
   */
  public static final int LEAST_CAPACITY = 1024;

  /** Bytes of a descriptor. */
  public static final int DESCRIPTOR_BYTES = 32;

  /** Bytes of the list's counts. */
  public static final int COUNT_BYTES = 4 * Integer.BYTES;

  /** Groups that each thread block of the attention has at least, where chunks are grouped. */
  private static final int GROUPS_PER_BLOCK = 3;

  private static final int BLOCK = 256;
  private static final int GRID = 16;

  private final Launcher launcher;
  private final int leastGroups;
  private final CUfunction function;

  /** Looks the kernel up. */
  public AttentionWorkListKernel(Launcher launcher, HeadShape heads) {
    this.launcher = launcher;
    int items = GROUPS_PER_BLOCK * PagedAttentionDecodeKernel.blocks(launcher.device());
    this.leastGroups = (items + heads.numKvHeads() - 1) / heads.numKvHeads();
    this.function = launcher.kernel("attention_work_list", 0);
  }

  /**
   * Builds the list.
   *
   * @param work {@code [capacity, 8]} int32
   * @param workCount {@code [4]} int32: groups of chunks, single chunks, size of a group
   * @param rowChunks {@code [rows, 2]} int32: number of a row's first chunk, its chunks
   */
  public void enqueue(BatchRows batch, long work, long workCount, long rowChunks, int rows) {
    launcher
        .address(batch.laneOf())
        .address(batch.kvLen())
        .address(batch.pageTable())
        .address(work)
        .address(workCount)
        .address(rowChunks)
        .integer(rows)
        .integer(batch.maxPages())
        .integer(leastGroups)
        .launchOfStep(function, LaunchShape.of(GRID, BLOCK), rows);
  }
}
