package io.tracemill.engine.cpu;

/**
 * bf16 weights, two to an {@code int}: lane i of the 16 ints of an input holds output i of the
 * panel in its lower and output {@code i + 16} in its upper half, so that one shift and one mask
 * widen a whole vector to two float32 vectors.
 *
 * @param outFeatures outputs
 * @param inFeatures inputs
 * @param pairs {@code [panels, inFeatures, 16]}
 */
record Bf16Matrix(int outFeatures, int inFeatures, int[] pairs) implements PackedMatrix {
  /** Ints per input of a panel. */
  static final int PAIRS = PANEL_OUTPUTS / 2;

  @Override
  public long byteSize() {
    return 4L * pairs.length;
  }

  @Override
  public void copyRow(int output, float[] destination, int offset) {
    int inPanel = output % PANEL_OUTPUTS;
    int from = output / PANEL_OUTPUTS * inFeatures * PAIRS + inPanel % PAIRS;
    int shift = inPanel < PAIRS ? 16 : 0;
    for (int k = 0; k < inFeatures; k++) {
      destination[offset + k] =
          Float.intBitsToFloat((pairs[from + k * PAIRS] << shift) & 0xFFFF0000);
    }
  }
}
