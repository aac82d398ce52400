package io.tracemill.engine.compress;

import io.tracemill.engine.api.HeadAggregation;
import java.util.List;
import java.util.Objects;

/**
 * How the candidates of a compression are ranked; the highest scores survive, the lower row wins
 * between equals. A rule is data: each backend computes every rule in its own way, in float32, and
 * must agree with the CPU backend. Which paper and what differs from it: {@code docs/policies.md}.
 *
 * <p>A retained set belongs to all KV heads of a layer ({@code ALL}) or to one ({@code GROUP});
 * "mean over heads" below runs over the heads of the set.
 */
public sealed interface ScoreRule {

  /**
   * Redundancy of a key in one KV head, over the unprotected rows (candidates and window): cosines
   * c[i,j] of all pairs, 0 on the diagonal; in each row i the entry of the latest j with {@code
   * c[i,j] > SIMILAR} becomes 0, so that of rows that say the same the newest is not to blame; mean
   * over i; softmax over j. Sets of several KV heads take the mean.
   */
  float SIMILAR = 0.5f;

  /** Whether KV heads of a layer share one retained set. */
  default HeadAggregation aggregation() {
    return HeadAggregation.ALL;
  }

  /** Newest queries that the rule reads; 0 for none. */
  default int queries() {
    return 0;
  }

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

    @Override
    public int queries() {
      return ringWeights.size();
    }
  }

  /** The newest candidates stay: {@code score[j] = j}. */
  record Newest() implements ScoreRule {}

  /**
   * Any candidates stay: {@code score[j]} is uniform in [0, 1), drawn with the sequence's key from
   * (j, position of the next token, layer), so that every compression draws afresh.
   */
  record RandomDraw() implements ScoreRule {}

  /**
   * Attention of the newest queries with the choices in which published policies differ. A query
   * sees the rows up to its own.
   *
   * @param queries newest queries
   * @param scope rows that share a query's attention
   * @param fold how the query heads of a KV head become one
   * @param aggregation KV heads that are averaged
   * @param smoothing how neighbours are pooled
   * @param poolingKernelSize odd number of neighbours; 1 for no pooling
   */
  record RecentAttention(
      int queries,
      Scope scope,
      Fold fold,
      HeadAggregation aggregation,
      Smoothing smoothing,
      int poolingKernelSize)
      implements ScoreRule {
    public RecentAttention {
      Objects.requireNonNull(scope, "scope");
      Objects.requireNonNull(fold, "fold");
      Objects.requireNonNull(aggregation, "aggregation");
      Objects.requireNonNull(smoothing, "smoothing");
      if (queries < 1 || poolingKernelSize < 1 || poolingKernelSize % 2 == 0) {
        throw new IllegalArgumentException(
            "no rule: %d queries, pooling kernel %d".formatted(queries, poolingKernelSize));
      }
    }
  }

  /** Rows over which a softmax runs. */
  enum Scope {
    CANDIDATES,
    ALL_ROWS
  }

  /** How the query heads of one KV head become one share per row and query. */
  enum Fold {
    /** The mean of their shares. */
    MEAN,
    /** The softmax of their largest logits. */
    LARGEST_LOGIT,
    /** The largest of their shares. */
    LARGEST_SHARE
  }

  /** How neighbouring scores are pooled. */
  enum Smoothing {
    /** Moving average, zeros outside, constant divisor. */
    AVERAGE,
    /** Largest of the neighbours. */
    MAXIMUM
  }

  /**
   * Attention added up over the life of a row (H2O, arXiv 2306.14048): the stored score of a row
   * grows by what {@code recent} gives it at each compression or observation, times its number of
   * queries; the stored score ranks.
   */
  record AccumulatedAttention(RecentAttention recent) implements ScoreRule {
    @Override
    public HeadAggregation aggregation() {
      return recent.aggregation();
    }

    @Override
    public int queries() {
      return recent.queries();
    }
  }

  /**
   * Importance against redundancy (R-KV, arXiv 2505.24133): {@code lambda * I[j] - (1 - lambda) *
   * S[j]}, with I as {@code importance} gives it and S the softmax of the mean similarity of a row,
   * see {@link #SIMILAR}.
   *
   * @param lambda weight of importance, in [0, 1]
   */
  record ImportanceMinusRedundancy(RecentAttention importance, float lambda) implements ScoreRule {
    public ImportanceMinusRedundancy {
      if (!(lambda >= 0 && lambda <= 1)) {
        throw new IllegalArgumentException("lambda " + lambda + " is not in [0, 1]");
      }
    }

    @Override
    public HeadAggregation aggregation() {
      return importance.aggregation();
    }

    @Override
    public int queries() {
      return importance.queries();
    }
  }

  /**
   * A score with a memory (G-KV, arXiv 2512.00504): {@code a} is {@code recent} divided by its
   * maximum, the stored score becomes {@code max(decay * stored, a)}, and {@code (1 - weight) *
   * stored - weight * S / max(S)} ranks, with S the redundancy of {@link #SIMILAR}.
   *
   * @param decay what is left of the stored score, in [0, 1]
   * @param redundancyWeight in [0, 1]
   */
  record StoredMaximum(RecentAttention recent, float decay, float redundancyWeight)
      implements ScoreRule {
    public StoredMaximum {
      if (!(decay >= 0 && decay <= 1 && redundancyWeight >= 0 && redundancyWeight <= 1)) {
        throw new IllegalArgumentException(
            "no rule: decay %s, redundancy weight %s".formatted(decay, redundancyWeight));
      }
    }

    @Override
    public HeadAggregation aggregation() {
      return recent.aggregation();
    }

    @Override
    public int queries() {
      return recent.queries();
    }
  }

  /**
   * Whole chunks stay or go (ChunkKV, arXiv 2502.00299): {@code base} without pooling, each
   * candidate's score replaced by the mean of its chunk. Chunks are counted from the first
   * candidate; the last may be short. Where the planned count ends inside a chunk, its first rows
   * stay.
   */
  record ChunkMean(SelectorAttention base, int chunkRows) implements ScoreRule {
    public ChunkMean {
      if (chunkRows < 1 || base.poolingKernelSize() != 1) {
        throw new IllegalArgumentException(
            "no rule: chunks of %d rows, pooling kernel %d"
                .formatted(chunkRows, base.poolingKernelSize()));
      }
    }

    @Override
    public HeadAggregation aggregation() {
      return base.aggregation();
    }

    @Override
    public int queries() {
      return base.queries();
    }
  }

  /**
   * Spread against the rows that follow (LagKV, arXiv 2504.04704): per KV head, every channel of
   * the candidates is normalised by its minimum and maximum over the rows that follow them, as many
   * as there are candidates: {@code (x - min) / (max - min)}, 0 where both are equal. The standard
   * deviation over a row's channels (divisor headDim - 1) goes through a softmax over the
   * candidates; keys plus values, mean over KV heads. The window holds at least as many rows as
   * there are candidates.
   */
  record LagSpread(HeadAggregation aggregation) implements ScoreRule {}

  /**
   * A draw without replacement in proportion to attention, beside rows with wide values (VaSE,
   * arXiv 2606.03928): the {@code wideRows} candidates of largest {@code max(value) - min(value)}
   * over channels (mean over KV heads; the lower row wins) rank above all others; the others by
   * {@code p[j] / -ln(u[j])}, with p as {@code recent} gives it and u drawn like {@link
   * RandomDraw}, in (0, 1): the largest of these are a weighted sample (Efraimidis, Spirakis 2006).
   */
  record ValueAwareSample(RecentAttention recent, int wideRows) implements ScoreRule {
    public ValueAwareSample {
      if (wideRows < 0) {
        throw new IllegalArgumentException("wideRows " + wideRows + " is negative");
      }
    }

    @Override
    public HeadAggregation aggregation() {
      return recent.aggregation();
    }

    @Override
    public int queries() {
      return recent.queries();
    }
  }

  /**
   * Attention expected of queries to come (TriAttention, arXiv 2604.04921), from statistics of the
   * model's queries and the key alone: see {@link QueryCalibration}. Each query head's scores are
   * brought to mean 0 and standard deviation 1 over the candidates, then averaged.
   */
  record ExpectedAttention(QueryCalibration calibration, HeadAggregation aggregation)
      implements ScoreRule {
    public ExpectedAttention {
      Objects.requireNonNull(calibration, "calibration");
    }
  }
}
