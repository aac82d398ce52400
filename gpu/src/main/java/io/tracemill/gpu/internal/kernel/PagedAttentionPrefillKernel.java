package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/** {@code paged_attention_prefill}: causal attention of prompt chunks over their lanes' pages. */
public final class PagedAttentionPrefillKernel {
  private static final int BLOCK = 256;
  private static final int SHARED_BYTES_128 = 98_304;
  private static final int SHARED_BYTES_64 = 49_152;

  private final Launcher launcher;
  private final HeadShape heads;
  private final int sharedBytes;
  private final CUfunction function;

  /** Looks the kernel up. */
  public PagedAttentionPrefillKernel(Launcher launcher, HeadShape heads) {
    this.launcher = launcher;
    this.heads = heads;
    this.sharedBytes = heads.headDim() == 128 ? SHARED_BYTES_128 : SHARED_BYTES_64;
    this.function = launcher.kernel("paged_attention_prefill" + heads.suffix(), sharedBytes);
  }

  /**
   * Attends; the segments' rows have been appended.
   *
   * @param query {@code [rows, queryHeads, headDim]} bf16
   * @param pool the layer's pages
   * @param out {@code [rows, queryHeads * headDim]} bf16
   */
  public void enqueue(long query, long pool, Segments segments, BatchRows lanes, long out) {
    launcher
        .address(query)
        .address(pool)
        .address(segments.row())
        .address(segments.lane())
        .address(segments.slot())
        .address(lanes.pageTable())
        .address(out)
        .integer(segments.numSegments())
        .integer(lanes.maxPages())
        .integer(heads.numQueryHeads())
        .integer(heads.numKvHeads())
        .number(heads.scale())
        .launch(
            function,
            new LaunchShape(heads.numQueryHeads(), segments.numTiles(), 1, BLOCK, sharedBytes));
  }
}
