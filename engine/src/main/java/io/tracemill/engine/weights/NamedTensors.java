package io.tracemill.engine.weights;

import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.weights.ModelWeights.LayerWeights;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The tensors of a network under the names that Qwen2, Qwen3 and Llama checkpoints give them.
 *
 * @param embedding {@code [vocabSize, hiddenSize]}
 * @param layers one entry per layer
 * @param finalNorm {@code [hiddenSize]}
 * @param outputProjection {@code [vocabSize, hiddenSize]}
 */
record NamedTensors(
    WeightTensor embedding,
    List<LayerWeights> layers,
    WeightTensor finalNorm,
    WeightTensor outputProjection) {

  /** Finds or makes the tensor of a name and a shape. */
  interface Source {
    WeightTensor take(String name, List<Integer> shape);
  }

  static NamedTensors of(ModelConfig config, Source source) {
    int hidden = config.hiddenSize();
    WeightTensor embedding =
        source.take("model.embed_tokens.weight", List.of(config.vocabSize(), hidden));
    List<LayerWeights> layers =
        IntStream.range(0, config.numLayers()).mapToObj(i -> layer(config, source, i)).toList();
    WeightTensor finalNorm = source.take("model.norm.weight", List.of(hidden));
    WeightTensor output =
        config.tiedEmbeddings()
            ? embedding
            : source.take("lm_head.weight", List.of(config.vocabSize(), hidden));
    return new NamedTensors(embedding, layers, finalNorm, output);
  }

  private static LayerWeights layer(ModelConfig config, Source source, int index) {
    String layer = "model.layers." + index + ".";
    String attention = layer + "self_attn.";
    int hidden = config.hiddenSize();
    int intermediate = config.intermediateSize();
    List<Integer> headShape = List.of(config.headDim());
    return new LayerWeights(
        source.take(layer + "input_layernorm.weight", List.of(hidden)),
        source.take(attention + "q_proj.weight", List.of(config.queryDim(), hidden)),
        source.take(attention + "k_proj.weight", List.of(config.kvDim(), hidden)),
        source.take(attention + "v_proj.weight", List.of(config.kvDim(), hidden)),
        bias(config, source, attention + "q_proj.bias", config.queryDim()),
        bias(config, source, attention + "k_proj.bias", config.kvDim()),
        bias(config, source, attention + "v_proj.bias", config.kvDim()),
        headNorm(config, source, attention + "q_norm.weight", headShape),
        headNorm(config, source, attention + "k_norm.weight", headShape),
        source.take(attention + "o_proj.weight", List.of(hidden, config.queryDim())),
        source.take(layer + "post_attention_layernorm.weight", List.of(hidden)),
        source.take(layer + "mlp.gate_proj.weight", List.of(intermediate, hidden)),
        source.take(layer + "mlp.up_proj.weight", List.of(intermediate, hidden)),
        source.take(layer + "mlp.down_proj.weight", List.of(hidden, intermediate)));
  }

  private static Optional<WeightTensor> bias(
      ModelConfig config, Source source, String name, int features) {
    return config.attentionBias()
        ? Optional.of(source.take(name, List.of(features)))
        : Optional.empty();
  }

  private static Optional<WeightTensor> headNorm(
      ModelConfig config, Source source, String name, List<Integer> shape) {
    return config.queryKeyNorm() ? Optional.of(source.take(name, shape)) : Optional.empty();
  }
}
