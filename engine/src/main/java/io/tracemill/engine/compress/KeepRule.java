package io.tracemill.engine.compress;

/** How many candidates of a compression stay, once they are ranked. */
public sealed interface KeepRule {

  /** Exactly as many as the plan says. */
  KeepRule AS_PLANNED = new AsPlanned();

  /** Exactly as many as the plan says: row counts stay known on the host. */
  record AsPlanned() implements KeepRule {}

  /**
   * As few as keep the attention norm (DBudgetKV, arXiv 2502.16886): candidates are dropped from
   * the lowest score up while
   *
   * <pre>
   * 1 - mean over heads of norm(kept) / mean over heads of norm(all) &lt;= threshold
   * norm(rows) = sqrt(sum over the newest queries and the rows of p^2)
   * p = softmax over all rows of the cache up to the query's own
   * </pre>
   *
   * in every layer. The layer that needs most decides for all, so that counts stay equal; never
   * more than the plan says. The count depends on data: the plan is an upper bound.
   *
   * @param threshold largest share of the norm that may be lost, in [0, 1)
   * @param queries newest queries that are asked
   */
  record AttentionNorm(double threshold, int queries) implements KeepRule {
    public AttentionNorm {
      if (!(threshold >= 0 && threshold < 1) || queries < 1) {
        throw new IllegalArgumentException(
            "no rule: threshold %s, %d queries".formatted(threshold, queries));
      }
    }
  }
}
