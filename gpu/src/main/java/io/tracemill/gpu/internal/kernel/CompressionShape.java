package io.tracemill.gpu.internal.kernel;

/**
 * The sizes of one compression launch and of its scratch memory.
 *
 * @param numLayers layers
 * @param heads attention heads
 * @param ringRows selector queries of a lane
 * @param listsPerLayer 1 where all KV heads keep the same rows, else the number of KV heads
 * @param maxCandidates most candidates of a lane in the launch
 * @param maxKept most candidates kept
 */
public record CompressionShape(
    int numLayers,
    HeadShape heads,
    int ringRows,
    int listsPerLayer,
    int maxCandidates,
    int maxKept) {
  private static final int STRIP_ROWS = 512;
  private static final int ROW_BLOCK = 256;
  private static final int PAGE_ROWS = 64;
  private static final int ALIGNMENT = 256;

  /** Strips of cache rows; the first starts at the page of the first candidate. */
  public int strips() {
    return (PAGE_ROWS - 1 + maxCandidates + STRIP_ROWS - 1) / STRIP_ROWS;
  }

  /** Selector rows of a KV head. */
  public int selectorRows() {
    return ringRows * heads.groupSize();
  }

  /** Blocks of selector rows. */
  public int rowBlocks() {
    return (selectorRows() + ROW_BLOCK - 1) / ROW_BLOCK;
  }

  private long layerHeads() {
    return (long) numLayers * heads.numKvHeads();
  }

  /** Bytes per lane of the (maximum, sum) pairs. */
  public long statsBytes() {
    return aligned(layerHeads() * strips() * selectorRows() * 2 * Float.BYTES);
  }

  /** Bytes per lane of the merged offsets. */
  public long offsetBytes() {
    return aligned(layerHeads() * selectorRows() * Float.BYTES);
  }

  /** Bytes per lane of the arrival counters. */
  public long counterBytes() {
    return aligned(layerHeads() * rowBlocks() * Integer.BYTES);
  }

  /** Bytes per lane of the raw scores. */
  public long scoreBytes() {
    return aligned(layerHeads() * maxCandidates * Float.BYTES);
  }

  /** Bytes per lane of the mean and pooled scores. */
  public long pooledBytes() {
    return aligned(2L * numLayers * listsPerLayer * maxCandidates * Float.BYTES);
  }

  /** Bytes per lane of the lists of kept slots. */
  public long slotBytes() {
    return aligned((long) numLayers * listsPerLayer * Math.max(maxKept, 1) * Integer.BYTES);
  }

  /** Bytes per lane of the lowest kept scores. */
  public long cutBytes() {
    return aligned(cutsPerLane() * Float.BYTES);
  }

  /** Lowest kept scores of a lane. */
  public long cutsPerLane() {
    return (long) numLayers * listsPerLayer;
  }

  /** Bytes per lane of everything but the counters. */
  public long scratchBytes() {
    return statsBytes() + offsetBytes() + scoreBytes() + pooledBytes() + slotBytes() + cutBytes();
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }
}
