package io.tracemill.gpu.internal.kernel;

/**
 * Attention heads of a layer, as every attention kernel takes them.
 *
 * @param numQueryHeads query heads
 * @param numKvHeads key/value heads
 * @param headDim elements of a head, 64 or 128
 */
public record HeadShape(int numQueryHeads, int numKvHeads, int headDim) {
  private static final int LARGEST_GROUP = 8;

  public HeadShape {
    if (!isSupported(numQueryHeads, numKvHeads, headDim)) {
      throw new IllegalArgumentException(
          "no kernel for %d query and %d KV heads of %d"
              .formatted(numQueryHeads, numKvHeads, headDim));
    }
  }

  /** Whether the kernels exist: heads of 64 or 128 elements, groups of 1 to 8 query heads. */
  public static boolean isSupported(int numQueryHeads, int numKvHeads, int headDim) {
    return (headDim == 64 || headDim == 128)
        && numKvHeads > 0
        && numQueryHeads % numKvHeads == 0
        && numQueryHeads / numKvHeads <= LARGEST_GROUP;
  }

  /** Query heads of a KV head. */
  public int groupSize() {
    return numQueryHeads / numKvHeads;
  }

  /** Elements of all query heads. */
  public int queryDim() {
    return numQueryHeads * headDim;
  }

  /** Elements of all key heads. */
  public int kvDim() {
    return numKvHeads * headDim;
  }

  /** Factor on scores, 1 / sqrt(headDim). */
  public float scale() {
    return (float) (1 / Math.sqrt(headDim));
  }

  /** The end of the names of kernels that exist per head dimension. */
  String suffix() {
    return "_d" + headDim;
  }
}
