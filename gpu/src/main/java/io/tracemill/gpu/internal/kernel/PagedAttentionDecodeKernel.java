package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.DeviceInfo;
import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/**
 * {@code paged_attention_decode} and {@code attention_merge}: one query row per lane over its
 * cached rows, in chunks, and the merge of the chunks.
 */
public final class PagedAttentionDecodeKernel {
  private static final int BLOCK = 256;
  private static final int BLOCKS_PER_MULTIPROCESSOR = 2;
  private static final int MERGE_BLOCK = 128;
  private static final int SHARED_BYTES_128 = 115_456;
  private static final int SMALL_SHARED_BYTES_128 = 82_688;
  private static final int SHARED_BYTES_64 = 107_264;
  private static final int SMALL_SHARED_BYTES_64 = 58_112;

  private final Launcher launcher;
  private final HeadShape heads;
  private final int sharedBytes;
  private final CUfunction function;
  private final CUfunction merge;

  /** Looks the kernels up. */
  public PagedAttentionDecodeKernel(Launcher launcher, HeadShape heads) {
    this.launcher = launcher;
    this.heads = heads;
    boolean wide = heads.headDim() == 128;
    int bytes = wide ? SHARED_BYTES_128 : SHARED_BYTES_64;
    boolean small = bytes > launcher.device().sharedBytesPerBlock();
    this.sharedBytes = small ? (wide ? SMALL_SHARED_BYTES_128 : SMALL_SHARED_BYTES_64) : bytes;
    this.function =
        launcher.kernel(
            "paged_attention_decode" + heads.suffix() + (small ? "_small" : ""), sharedBytes);
    this.merge = launcher.kernel("attention_merge" + heads.suffix(), 0);
  }

  /**
   * Scratch memory of the kernel, shared by all layers.
   *
   * @param work the work list
   * @param workCount what it holds, {@link AttentionWorkListKernel#COUNT_BYTES}
   * @param partial {@code [capacity * kvHeads, group, headDim]} float
   * @param partialStats {@code [capacity * kvHeads, group]} pairs of float
   * @param rowChunks chunks of each row
   */
  public record Scratch(
      long work, long workCount, long partial, long partialStats, long rowChunks) {}

  /** Scratch bytes for one work item: descriptor, partial results, statistics. */
  public static long scratchBytesPerItem(HeadShape heads) {
    return AttentionWorkListKernel.DESCRIPTOR_BYTES
        + (long) heads.numQueryHeads() * (heads.headDim() * Float.BYTES + 2 * Float.BYTES);
  }

  /** Thread blocks of the attention on a device. */
  static int blocks(DeviceInfo device) {
    return BLOCKS_PER_MULTIPROCESSOR * device.numMultiprocessors();
  }

  /**
   * Attends.
   *
   * @param query {@code [rows, queryHeads, headDim]} bf16
   * @param pool the layer's pages
   * @param out {@code [rows, queryHeads * headDim]} bf16
   */
  public void enqueue(long query, long pool, Scratch scratch, long out, int rows) {
    launcher
        .address(query)
        .address(pool)
        .address(scratch.work())
        .address(scratch.workCount())
        .address(scratch.partial())
        .address(scratch.partialStats())
        .address(out)
        .integer(heads.numQueryHeads())
        .integer(heads.numKvHeads())
        .number(heads.scale())
        .launchOfStep(
            function, new LaunchShape(blocks(launcher.device()), 1, 1, BLOCK, sharedBytes), rows);
    launcher
        .address(scratch.partial())
        .address(scratch.partialStats())
        .address(scratch.workCount())
        .address(scratch.rowChunks())
        .address(out)
        .integer(heads.numQueryHeads())
        .integer(heads.numKvHeads())
        .launchOfStep(merge, new LaunchShape(heads.numQueryHeads(), rows, 1, MERGE_BLOCK, 0), rows);
  }
}
