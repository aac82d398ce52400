package io.tracemill.engine.cpu;

/**
 * A projection {@code [outFeatures, inFeatures]}, laid out for products that vectorise over
 * outputs: panels of {@link #PANEL_OUTPUTS} outputs, in each of them one group of weights per
 * input, in order of the inputs. A product streams through a panel once, and each output is one
 * chain of additions over the inputs, whatever the number of rows that are multiplied together.
 * Outputs past the last are zero.
 */
sealed interface PackedMatrix permits Bf16Matrix, Float32Matrix {
  /** Outputs per panel. */
  int PANEL_OUTPUTS = 32;

  /**
   * Inputs whose products are added in one chain; the sums of such stretches are added in order.
   * Short chains lose less to rounding, and a stretch of a panel stays in the first-level cache.
   */
  int CHAIN_INPUTS = 512;

  int outFeatures();

  int inFeatures();

  /** Bytes of the packed form. */
  long byteSize();

  /** Widens the weights of one output to {@code destination[offset .. offset + inFeatures)}. */
  void copyRow(int output, float[] destination, int offset);

  default int numPanels() {
    return panelsFor(outFeatures());
  }

  static int panelsFor(int outFeatures) {
    return (outFeatures + PANEL_OUTPUTS - 1) / PANEL_OUTPUTS;
  }
}
