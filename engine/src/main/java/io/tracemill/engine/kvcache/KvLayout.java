package io.tracemill.engine.kvcache;

/**
 * The shape of a KV cache. One page holds {@link #PAGE_SIZE_TOKENS} rows of every layer; page ids
 * are the same in all layers, so one page table serves a sequence.
 *
 * @param numLayers layers
 * @param numKvHeads key/value heads per layer
 * @param headDim elements per head
 * @param bytesPerElement 4 for float32, 2 for bf16
 */
public record KvLayout(int numLayers, int numKvHeads, int headDim, int bytesPerElement) {
  /** Rows per page. */
  public static final int PAGE_SIZE_TOKENS = 64;

  public KvLayout {
    if (numLayers < 1 || numKvHeads < 1 || headDim < 1 || bytesPerElement < 1) {
      throw new IllegalArgumentException(
          "no layout: %d layers, %d KV heads of %d, %d bytes"
              .formatted(numLayers, numKvHeads, headDim, bytesPerElement));
    }
  }

  /** Bytes of one row over all layers: keys and values. */
  public long rowBytes() {
    return 2L * numLayers * numKvHeads * headDim * bytesPerElement;
  }

  /** Bytes of one page over all layers. */
  public long pageBytes() {
    return rowBytes() * PAGE_SIZE_TOKENS;
  }

  /** Pages that hold {@code rows} rows. */
  public static int pagesFor(int rows) {
    return Math.toIntExact(((long) rows + PAGE_SIZE_TOKENS - 1) / PAGE_SIZE_TOKENS);
  }
}
