package io.tracemill.gpu.internal.kernel;

/**
 * A projection in the order that the matrix products stream it.
 *
 * @param address device address
 * @param outFeatures N, rows
 * @param inFeatures K, columns; a multiple of 8
 */
public record PackedMatrix(long address, int outFeatures, int inFeatures) {
  private static final int BLOCK_ROWS = 256;
  private static final int SLAB_COLUMNS = 64;
  private static final long SLAB_BYTES = 2L * BLOCK_ROWS * SLAB_COLUMNS;

  public PackedMatrix {
    if (outFeatures < 1 || inFeatures < 8 || inFeatures % 8 != 0) {
      throw new IllegalArgumentException(
          "no packed matrix of %d x %d".formatted(outFeatures, inFeatures));
    }
  }

  /** Bytes of the packed form: whole slabs of 256 rows and 64 columns. */
  public static long byteSize(int outFeatures, int inFeatures) {
    long blocks = ((long) outFeatures + BLOCK_ROWS - 1) / BLOCK_ROWS;
    long slabs = ((long) inFeatures + SLAB_COLUMNS - 1) / SLAB_COLUMNS;
    return blocks * slabs * SLAB_BYTES;
  }

  /** Bytes of the weights themselves, which a product has to read at the least. */
  public long weightBytes() {
    return 2L * outFeatures * inFeatures;
  }
}
