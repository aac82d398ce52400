package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/** {@code paged_attention_decode}: one query row per lane over its cached rows. */
public final class PagedAttentionDecodeKernel {
  /** Most cached rows of a lane. */
  public static final int MAX_ROWS_PER_LANE = 131_072;

  private static final int BLOCK = 384;
  private static final int SHARED_BYTES_128 = 230_944;
  private static final int SHARED_BYTES_64 = 214_560;
  private static final int CHUNKS_PER_MERGE = 16;

  private final Launcher launcher;
  private final HeadShape heads;
  private final int sharedBytes;
  private final CUfunction function;

  /** Looks the kernel up. */
  public PagedAttentionDecodeKernel(Launcher launcher, HeadShape heads) {
    this.launcher = launcher;
    this.heads = heads;
    this.sharedBytes = heads.headDim() == 128 ? SHARED_BYTES_128 : SHARED_BYTES_64;
    this.function = launcher.kernel("paged_attention_decode" + heads.suffix(), sharedBytes);
  }

  /**
   * Scratch memory of the kernel, shared by all layers.
   *
   * @param work the work list
   * @param workCount its length
   * @param partial {@code [capacity * kvHeads, group, headDim]} float
   * @param partialStats {@code [capacity * kvHeads, group]} pairs of float
   * @param counters {@code [rows * kvHeads, mergeGroups + 1]} int32, zero before the first launch
   * @param mergeGroups see {@link #mergeGroups}
   */
  public record Scratch(
      long work, long workCount, long partial, long partialStats, long counters, int mergeGroups) {}

  /** Groups of chunks that a row of {@code maxRows} cache rows is merged in. */
  public static int mergeGroups(int maxRows) {
    int chunks =
        (maxRows + AttentionWorkListKernel.CHUNK_ROWS - 1) / AttentionWorkListKernel.CHUNK_ROWS;
    return (chunks + CHUNKS_PER_MERGE - 1) / CHUNKS_PER_MERGE;
  }

  /** Scratch bytes for one work item: descriptor, partial results, statistics. */
  public static long scratchBytesPerItem(HeadShape heads) {
    return AttentionWorkListKernel.DESCRIPTOR_BYTES
        + (long) heads.numQueryHeads() * (heads.headDim() * Float.BYTES + 2 * Float.BYTES);
  }

  /**
   * Attends.
   *
   * @param query {@code [rows, queryHeads, headDim]} bf16
   * @param pool the layer's pages
   * @param out {@code [rows, queryHeads * headDim]} bf16
   */
  public void enqueue(long query, long pool, Scratch scratch, long out) {
    launcher
        .address(query)
        .address(pool)
        .address(scratch.work())
        .address(scratch.workCount())
        .address(scratch.partial())
        .address(scratch.partialStats())
        .address(scratch.counters())
        .address(out)
        .integer(scratch.mergeGroups())
        .integer(heads.numQueryHeads())
        .integer(heads.numKvHeads())
        .number(heads.scale())
        .launch(
            function,
            new LaunchShape(launcher.device().numMultiprocessors(), 1, 1, BLOCK, sharedBytes));
  }
}
