package io.tracemill.gpu.internal.backend;

import io.tracemill.gpu.internal.kernel.PackedMatrix;
import io.tracemill.gpu.internal.kernel.RopeAppendKernel.LayerConstants;
import java.util.List;

/**
 * A network's weights on the device; addresses only, the memory belongs to {@link WeightLoader}'s
 * caller.
 *
 * @param embedding {@code [vocab, hidden]} bf16, row-major
 * @param layers one entry per layer
 * @param finalNorm {@code [hidden]} float
 * @param outputProjection {@code [vocab, hidden]}
 */
record DeviceWeights(
    long embedding, List<Layer> layers, long finalNorm, PackedMatrix outputProjection) {

  /**
   * One decoder layer.
   *
   * @param inputNorm {@code [hidden]} float
   * @param queryKeyValue {@code [(queryHeads + 2 kvHeads) * headDim, hidden]}
   * @param constants biases and head norms
   * @param attentionOutput {@code [hidden, queryHeads * headDim]}
   * @param postAttentionNorm {@code [hidden]} float
   * @param gateUp {@code [2 * intermediate, hidden]}, rows interleaved
   * @param down {@code [hidden, intermediate]}
   */
  record Layer(
      long inputNorm,
      PackedMatrix queryKeyValue,
      LayerConstants constants,
      PackedMatrix attentionOutput,
      long postAttentionNorm,
      PackedMatrix gateUp,
      PackedMatrix down) {}

  /** Bytes that a decode step has to read at the least: every matrix once. */
  long streamedBytes() {
    long bytes = outputProjection.weightBytes();
    for (Layer layer : layers) {
      bytes +=
          layer.queryKeyValue().weightBytes()
              + layer.attentionOutput().weightBytes()
              + layer.gateUp().weightBytes()
              + layer.down().weightBytes();
    }
    return bytes;
  }
}
