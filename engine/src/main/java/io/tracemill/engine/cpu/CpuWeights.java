package io.tracemill.engine.cpu;

import io.tracemill.engine.cpu.MatrixPacker.Arrangement;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.weights.ElementType;
import io.tracemill.engine.weights.ModelWeights;
import io.tracemill.engine.weights.ModelWeights.LayerWeights;
import io.tracemill.engine.weights.WeightTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * All weights of a network in the form that the kernels read.
 *
 * @param embedding {@code [vocabSize, hiddenSize]}
 * @param layers one entry per layer
 * @param finalNorm {@code [hiddenSize]}
 * @param output {@code [vocabSize, hiddenSize]}; the embedding itself where they are tied
 */
record CpuWeights(
    PackedMatrix embedding, List<Layer> layers, float[] finalNorm, PackedMatrix output) {

  /**
   * One decoder layer.
   *
   * @param inputNorm {@code [hiddenSize]}
   * @param queryKeyValue {@code [queryDim + 2 kvDim, hiddenSize]}, in this order
   * @param queryKeyValueBias likewise {@code [queryDim + 2 kvDim]}; length 0 for none
   * @param queryNorm {@code [headDim]}; length 0 for none
   * @param keyNorm {@code [headDim]}; length 0 for none
   * @param attentionOutput {@code [hiddenSize, queryDim]}
   * @param postAttentionNorm {@code [hiddenSize]}
   * @param gateUp panels of gate and up in turn
   * @param down {@code [hiddenSize, intermediateSize]}
   */
  record Layer(
      float[] inputNorm,
      PackedMatrix queryKeyValue,
      float[] queryKeyValueBias,
      float[] queryNorm,
      float[] keyNorm,
      PackedMatrix attentionOutput,
      float[] postAttentionNorm,
      PackedMatrix gateUp,
      PackedMatrix down) {}

  static CpuWeights pack(ModelConfig config, ModelWeights weights, WorkerPool pool) {
    MatrixPacker packer = new MatrixPacker(pool);
    PackedMatrix embedding = packer.pack(Arrangement.STACKED, List.of(weights.embedding()));
    List<Layer> layers = new ArrayList<>();
    for (LayerWeights layer : weights.layers()) {
      layers.add(pack(packer, layer));
    }
    PackedMatrix output =
        config.tiedEmbeddings()
            ? embedding
            : packer.pack(Arrangement.STACKED, List.of(weights.outputProjection()));
    return new CpuWeights(
        embedding, List.copyOf(layers), MatrixPacker.floats(weights.finalNorm()), output);
  }

  private static Layer pack(MatrixPacker packer, LayerWeights layer) {
    return new Layer(
        MatrixPacker.floats(layer.inputNorm()),
        packer.pack(Arrangement.STACKED, List.of(layer.query(), layer.key(), layer.value())),
        stacked(layer.queryBias(), layer.keyBias(), layer.valueBias()),
        layer.queryNorm().map(MatrixPacker::floats).orElse(new float[0]),
        layer.keyNorm().map(MatrixPacker::floats).orElse(new float[0]),
        packer.pack(Arrangement.STACKED, List.of(layer.attentionOutput())),
        MatrixPacker.floats(layer.postAttentionNorm()),
        packer.pack(Arrangement.INTERLEAVED_PANELS, List.of(layer.gate(), layer.up())),
        packer.pack(Arrangement.STACKED, List.of(layer.down())));
  }

  @SafeVarargs
  private static float[] stacked(Optional<WeightTensor>... biases) {
    float[] stacked = new float[0];
    for (Optional<WeightTensor> bias : biases) {
      float[] part = bias.map(MatrixPacker::floats).orElse(new float[0]);
      int length = stacked.length;
      stacked = Arrays.copyOf(stacked, length + part.length);
      System.arraycopy(part, 0, stacked, length, part.length);
    }
    return stacked;
  }

  /** Bytes of all matrices; norms and biases are too small to count. */
  long byteSize() {
    long bytes = embedding.byteSize();
    if (output != embedding) {
      bytes += output.byteSize();
    }
    for (Layer layer : layers) {
      bytes +=
          layer.queryKeyValue().byteSize()
              + layer.attentionOutput().byteSize()
              + layer.gateUp().byteSize()
              + layer.down().byteSize();
    }
    return bytes;
  }

  /** Bytes that {@link #pack} will allocate, as far as whole panels do not add to it. */
  static long expectedBytes(ModelConfig config, ModelWeights weights) {
    long bytes = packedBytes(weights.embedding());
    if (!config.tiedEmbeddings()) {
      bytes += packedBytes(weights.outputProjection());
    }
    for (LayerWeights layer : weights.layers()) {
      for (WeightTensor tensor :
          List.of(
              layer.query(),
              layer.key(),
              layer.value(),
              layer.attentionOutput(),
              layer.gate(),
              layer.up(),
              layer.down())) {
        bytes += packedBytes(tensor);
      }
    }
    return bytes;
  }

  private static long packedBytes(WeightTensor tensor) {
    // fp16 is widened to float32: bf16 cannot hold its values.
    return tensor.elementType() == ElementType.FP16 ? 2 * tensor.byteSize() : tensor.byteSize();
  }
}
