package io.tracemill.engine.weights;

import java.util.List;
import java.util.Optional;

/**
 * The tensors of one network by their role; shapes have been checked against the configuration.
 *
 * <p>Projections are {@code [outFeatures, inFeatures]}; biases and norms {@code [features]}.
 */
public interface ModelWeights extends AutoCloseable {

  /** Token embedding, {@code [vocabSize, hiddenSize]}. */
  WeightTensor embedding();

  /** One entry per layer. */
  List<LayerWeights> layers();

  /** Norm before the output projection, {@code [hiddenSize]}. */
  WeightTensor finalNorm();

  /**
   * Output projection, {@code [vocabSize, hiddenSize]}; the embedding itself where they are tied.
   */
  WeightTensor outputProjection();

  /** Unmaps the files. */
  @Override
  void close();

  /**
   * One decoder layer.
   *
   * @param inputNorm norm before attention, {@code [hiddenSize]}
   * @param query {@code [queryDim, hiddenSize]}
   * @param key {@code [kvDim, hiddenSize]}
   * @param value {@code [kvDim, hiddenSize]}
   * @param queryBias {@code [queryDim]}, where the model has attention biases
   * @param keyBias {@code [kvDim]}, likewise
   * @param valueBias {@code [kvDim]}, likewise
   * @param queryNorm per-head norm of queries, {@code [headDim]}, where the model has it
   * @param keyNorm per-head norm of keys, {@code [headDim]}, likewise
   * @param attentionOutput {@code [hiddenSize, queryDim]}
   * @param postAttentionNorm norm before the MLP, {@code [hiddenSize]}
   * @param gate {@code [intermediateSize, hiddenSize]}
   * @param up {@code [intermediateSize, hiddenSize]}
   * @param down {@code [hiddenSize, intermediateSize]}
   */
  record LayerWeights(
      WeightTensor inputNorm,
      WeightTensor query,
      WeightTensor key,
      WeightTensor value,
      Optional<WeightTensor> queryBias,
      Optional<WeightTensor> keyBias,
      Optional<WeightTensor> valueBias,
      Optional<WeightTensor> queryNorm,
      Optional<WeightTensor> keyNorm,
      WeightTensor attentionOutput,
      WeightTensor postAttentionNorm,
      WeightTensor gate,
      WeightTensor up,
      WeightTensor down) {}
}
