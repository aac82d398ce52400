package io.tracemill.engine.cpu;

/** Products of queries with the cached keys of one head, page by page. */
final class QueryKeys {
  private final CpuKernels kernels;
  private final KvPages pages;

  QueryKeys(CpuKernels kernels, KvPages pages) {
    this.kernels = kernels;
    this.pages = pages;
  }

  /**
   * {@code scale * query . key} of one query with rows {@code [first, end)}.
   *
   * @param out receives the products of whole pages from index 0
   * @return where the product of row {@code first} is
   */
  int products(
      Lane lane,
      int layer,
      int kvHead,
      int first,
      int end,
      float[] queries,
      int query,
      float scale,
      float[] out) {
    int firstEntry = first / KvPages.ROWS;
    int lastEntry = (end - 1) / KvPages.ROWS;
    for (int entry = firstEntry; entry <= lastEntry; entry++) {
      int at = (entry - firstEntry) * KvPages.ROWS;
      pages.keyScores(kernels, lane.page(entry), layer, kvHead, queries, query, scale, out, at);
    }
    return first - firstEntry * KvPages.ROWS;
  }

  /** As above, for two queries; products of the second stand {@code stride} further. */
  int products(
      Lane lane,
      int layer,
      int kvHead,
      int first,
      int end,
      float[] queries,
      int query0,
      int query1,
      float scale,
      float[] out,
      int stride) {
    int firstEntry = first / KvPages.ROWS;
    int lastEntry = (end - 1) / KvPages.ROWS;
    for (int entry = firstEntry; entry <= lastEntry; entry++) {
      int at = (entry - firstEntry) * KvPages.ROWS;
      pages.keyScores(
          kernels,
          lane.page(entry),
          layer,
          kvHead,
          queries,
          query0,
          query1,
          scale,
          out,
          at,
          stride + at);
    }
    return first - firstEntry * KvPages.ROWS;
  }
}
