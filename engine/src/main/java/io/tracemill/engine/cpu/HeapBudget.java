package io.tracemill.engine.cpu;

import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.kvcache.KvLayout;

/**
 * What the Java heap still has room for.
 *
 * @param freeBytes not in use, after a collection
 * @param maxBytes {@code -Xmx}
 */
record HeapBudget(long freeBytes, long maxBytes) {

  /** Measures the heap; garbage is collected first, as it would count as used. */
  static HeapBudget measure() {
    Runtime runtime = Runtime.getRuntime();
    System.gc();
    long used = runtime.totalMemory() - runtime.freeMemory();
    return new HeapBudget(runtime.maxMemory() - used, runtime.maxMemory());
  }

  void requireWeights(long neededBytes) {
    if (neededBytes > freeBytes) {
      throw weightsDoNotFit(neededBytes);
    }
  }

  ReasoningException weightsDoNotFit(long neededBytes) {
    return CpuErrors.weightsDoNotFit(neededBytes, freeBytes, maxBytes);
  }

  /**
   * Pages of the KV pool: as many as were asked for or as fit, and never more than all lanes
   * together can use.
   *
   * @param reservedBytes what will be allocated beside the pool
   */
  int numPages(BackendOptions options, long pageBytes, long reservedBytes) {
    long available = freeBytes - reservedBytes;
    long cacheBytes =
        options.kvCacheBytes().orElse((long) (options.kvMemoryFraction() * available));
    if (options.kvCacheBytes().isPresent() && cacheBytes > available) {
      throw CpuErrors.cacheDoesNotFit(cacheBytes, available, maxBytes);
    }
    long useful = (long) options.maxLanes() * KvLayout.pagesFor(options.maxSequenceRows());
    long pages = Math.min(cacheBytes / pageBytes, useful);
    if (pages < 1) {
      throw CpuErrors.cacheTooSmall(Math.max(cacheBytes, 0), pageBytes);
    }
    return (int) Math.min(pages, Integer.MAX_VALUE);
  }
}
