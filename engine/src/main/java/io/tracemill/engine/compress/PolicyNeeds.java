package io.tracemill.engine.compress;

/**
 * What a policy asks of a backend during decoding.
 *
 * @param queryRingDepth newest decode steps whose post-RoPE queries are kept, per sequence and
 *     layer; 0 for none
 * @param headSets whether KV heads of a layer keep the same rows
 */
public record PolicyNeeds(int queryRingDepth, HeadSets headSets) {

  /** Whether KV heads of one layer share their retained rows. Counts are equal either way. */
  public enum HeadSets {
    SHARED,
    PER_KV_HEAD
  }

  /** A policy that needs nothing. */
  public static final PolicyNeeds NONE = new PolicyNeeds(0, HeadSets.SHARED);

  public PolicyNeeds {
    if (queryRingDepth < 0) {
      throw new IllegalArgumentException("queryRingDepth " + queryRingDepth + " is negative");
    }
  }
}
