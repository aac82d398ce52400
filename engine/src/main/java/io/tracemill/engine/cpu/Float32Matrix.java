package io.tracemill.engine.cpu;

/**
 * Weights of fp32 checkpoints, and of fp16 ones, widened: bf16 could not hold them exactly.
 *
 * @param outFeatures outputs
 * @param inFeatures inputs
 * @param values {@code [panels, inFeatures, 32]}
 */
record Float32Matrix(int outFeatures, int inFeatures, float[] values) implements PackedMatrix {
  @Override
  public long byteSize() {
    return 4L * values.length;
  }

  @Override
  public void copyRow(int output, float[] destination, int offset) {
    int from = output / PANEL_OUTPUTS * inFeatures * PANEL_OUTPUTS + output % PANEL_OUTPUTS;
    for (int k = 0; k < inFeatures; k++) {
      destination[offset + k] = values[from + k * PANEL_OUTPUTS];
    }
  }
}
