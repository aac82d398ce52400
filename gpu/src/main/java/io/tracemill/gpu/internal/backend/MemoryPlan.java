package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.gpu.internal.device.CudaErrors;

/**
 * How many KV pages fit. Each page costs its own bytes and a share of the decode attention's
 * scratch memory, which grows with the rows attended.
 *
 * @param numPages pages of the pool
 * @param attentionItems work items that the decode attention has scratch memory for
 */
record MemoryPlan(int numPages, int attentionItems) {
  private static final int PAGES_PER_ITEM = 4;

  /** Left to the driver and to other users of the device. */
  static final long RESERVE_BYTES = 1L << 30;

  /**
   * The plan.
   *
   * @param layout one page's shape
   * @param itemBytes scratch bytes of an attention work item
   * @param freeBytes device memory free after weights and workspace
   * @param usage what is allocated, for messages
   * @throws io.tracemill.engine.error.ReasoningException with code {@code KV_CACHE_TOO_SMALL} where
   *     not even one sequence of the longest allowed length fits
   */
  static MemoryPlan of(
      BackendOptions options, KvLayout layout, long itemBytes, long freeBytes, String usage) {
    int pagesPerLane = KvLayout.pagesFor(options.maxSequenceRows());
    long mostPages = (long) pagesPerLane * options.maxLanes();
    long available = Math.max(0, freeBytes - RESERVE_BYTES);
    long laneItemBytes = itemBytes * options.maxLanes();
    long pages;
    if (options.kvCacheBytes().isPresent()) {
      pages = options.kvCacheBytes().getAsLong() / layout.pageBytes();
    } else {
      long budget = (long) (available * options.kvMemoryFraction()) - laneItemBytes;
      pages = PAGES_PER_ITEM * budget / (PAGES_PER_ITEM * layout.pageBytes() + itemBytes);
    }
    pages = Math.min(Math.min(pages, mostPages), Integer.MAX_VALUE);
    if (pages < pagesPerLane) {
      throw CudaErrors.noRoomForPages(Math.max(pages, 0), pagesPerLane, layout.pageBytes(), usage);
    }
    long items = pages / PAGES_PER_ITEM + options.maxLanes();
    return new MemoryPlan((int) pages, Math.toIntExact(items));
  }
}
