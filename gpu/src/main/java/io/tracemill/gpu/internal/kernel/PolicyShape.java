package io.tracemill.gpu.internal.kernel;

/**
 * The sizes of one launch of a policy's scores and of its scratch memory.
 *
 * @param numLayers layers
 * @param heads attention heads
 * @param sets retained sets of a layer: 1, or the number of KV heads
 * @param queries newest queries that are read; 0 for none
 * @param maxRows most rows of a lane in the launch
 * @param maxCandidates most candidates of a lane in the launch
 * @param maxKept most candidates kept
 */
public record PolicyShape(
    int numLayers,
    HeadShape heads,
    int sets,
    int queries,
    int maxRows,
    int maxCandidates,
    int maxKept) {
  private static final int STRIP_ROWS = 512;
  private static final int PAGE_ROWS = 64;
  private static final int ALIGNMENT = 256;

  /** The same launch with another number of newest queries. */
  public PolicyShape withQueries(int newQueries) {
    return new PolicyShape(numLayers, heads, sets, newQueries, maxRows, maxCandidates, maxKept);
  }

  /** The sizes of selection and compaction: one list of scores per set. */
  public CompressionShape lists() {
    HeadShape perSet = new HeadShape(sets, sets, heads.headDim());
    return new CompressionShape(numLayers, perSet, 0, sets, maxCandidates, maxKept);
  }

  /** Strips of cache rows, from the page of the first row. */
  public int strips() {
    return (PAGE_ROWS - 1 + maxRows + STRIP_ROWS - 1) / STRIP_ROWS;
  }

  /** Pages of the longest lane. */
  public int pages() {
    return (maxRows + PAGE_ROWS - 1) / PAGE_ROWS;
  }

  private long layerHeads() {
    return (long) numLayers * heads.numKvHeads();
  }

  /** Bytes per lane of the (maximum, sum) pairs. */
  public long statsBytes() {
    return aligned(layerHeads() * strips() * queries * heads.groupSize() * 2 * Float.BYTES);
  }

  /** Bytes per lane of one 32-bit number per KV head and row. */
  public long rowBytes() {
    return aligned(layerHeads() * maxRows * Float.BYTES);
  }

  /** Bytes per lane of one 32-bit number per query head and row. */
  public long headRowBytes() {
    return heads.groupSize() * rowBytes();
  }

  /** Bytes per lane of the queries made up of mean queries: three numbers per head and pair. */
  public long madeQueryBytes() {
    return aligned(3L * numLayers * heads.queryDim() / 2 * Float.BYTES);
  }

  /**
   * Bytes per lane of what ranks are made of and, once they are made, of the squares of attention
   * per query head. Shares, sums, cosines and latest rows stand beside entries that were struck
   * out, 64 bits each; expected scores per query head beside the queries that they come from.
   */
  public long workBytes() {
    return Math.max(6 * rowBytes(), headRowBytes() + madeQueryBytes());
  }

  /** Bytes per lane of everything. */
  public long scratchBytes() {
    CompressionShape lists = lists();
    return statsBytes()
        + workBytes()
        + lists.scoreBytes()
        + lists.pooledBytes()
        + lists.slotBytes()
        + lists.cutBytes();
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }
}
