package io.tracemill.engine.model;

import java.util.Objects;

/**
 * A decoder-only transformer with RMSNorm, rotary embedding, grouped-query attention and a gated
 * SiLU MLP.
 *
 * @param architecture the network's family
 * @param numLayers decoder layers
 * @param hiddenSize elements of the residual stream
 * @param intermediateSize elements of the MLP's inner state
 * @param numQueryHeads query heads per layer
 * @param numKvHeads key/value heads per layer; divides {@code numQueryHeads}
 * @param headDim elements per head; even, and not always {@code hiddenSize / numQueryHeads}
 * @param vocabSize rows of the embedding
 * @param rmsNormEps added to the mean square
 * @param rope rotary embedding
 * @param maxPositions longest context the model was made for, in tokens
 * @param tiedEmbeddings whether the embedding is also the output projection
 * @param attentionBias whether q, k and v projections have biases
 * @param queryKeyNorm whether queries and keys are normalised per head before rotation
 */
public record ModelConfig(
    Architecture architecture,
    int numLayers,
    int hiddenSize,
    int intermediateSize,
    int numQueryHeads,
    int numKvHeads,
    int headDim,
    int vocabSize,
    float rmsNormEps,
    RopeConfig rope,
    int maxPositions,
    boolean tiedEmbeddings,
    boolean attentionBias,
    boolean queryKeyNorm) {

  /** Families this engine computes exactly. */
  public enum Architecture {
    QWEN2,
    QWEN3,
    LLAMA
  }

  public ModelConfig {
    Objects.requireNonNull(architecture, "architecture");
    Objects.requireNonNull(rope, "rope");
    if (numLayers < 1
        || hiddenSize < 1
        || intermediateSize < 1
        || numKvHeads < 1
        || vocabSize < 1
        || maxPositions < 1
        || numQueryHeads % numKvHeads != 0
        || headDim < 2
        || headDim % 2 != 0) {
      throw new IllegalArgumentException(
          "no network: layers %d, hidden %d, intermediate %d, heads %d/%d of %d, vocabulary %d"
              .formatted(
                  numLayers,
                  hiddenSize,
                  intermediateSize,
                  numQueryHeads,
                  numKvHeads,
                  headDim,
                  vocabSize));
    }
  }

  /** Query heads that read one KV head. */
  public int queryGroupSize() {
    return numQueryHeads / numKvHeads;
  }

  /** Elements of all query heads of a token. */
  public int queryDim() {
    return numQueryHeads * headDim;
  }

  /** Elements of all key (or value) heads of a token. */
  public int kvDim() {
    return numKvHeads * headDim;
  }
}
