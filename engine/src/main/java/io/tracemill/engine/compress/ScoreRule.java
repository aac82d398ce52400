package io.tracemill.engine.compress;

import io.tracemill.engine.api.HeadAggregation;
import java.util.List;

/**
 * How the candidates of a compression are ranked; the highest scores survive, the lower row wins
 * between equals. A rule is data: each backend computes every rule in its own way, in float32, and
 * must agree with the CPU backend.
 */
public sealed interface ScoreRule {

  /**
   * Attention that recent queries pay to the candidates (RPC, arXiv 2505.13866, section 3.2). Per
   * layer, for candidates j and ring entries r, oldest first:
   *
   * <pre>
   * p[h,r,:] = softmax over the candidates of (q[h,r] . key[kv(h),j]) / sqrt(headDim)
   * s[h,j]   = sum over r of ringWeights[r] * p[h,r,j]
   * score[j] = mean of s[h,j] over the heads of the aggregation
   * pooled   = moving average over poolingKernelSize neighbouring candidates, zeros outside, divisor constant
   * </pre>
   *
   * @param ringWeights weight of each of the newest queries, oldest first; their number is the ring
   *     depth
   * @param aggregation heads that are averaged
   * @param poolingKernelSize odd number of neighbours; 1 for no pooling
   */
  record SelectorAttention(
      List<Float> ringWeights, HeadAggregation aggregation, int poolingKernelSize)
      implements ScoreRule {
    public SelectorAttention {
      ringWeights = List.copyOf(ringWeights);
      if (ringWeights.isEmpty() || poolingKernelSize < 1 || poolingKernelSize % 2 == 0) {
        throw new IllegalArgumentException(
            "no rule: %d ring weights, pooling kernel %d"
                .formatted(ringWeights.size(), poolingKernelSize));
      }
    }
  }
}
