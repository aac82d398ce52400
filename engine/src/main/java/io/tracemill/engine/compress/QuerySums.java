package io.tracemill.engine.compress;

import java.io.Serializable;

/**
 * Adds up queries for a {@link QueryCalibration}. Sums over parts of a corpus are {@link #merge
 * merged}, so that parts may be collected anywhere; in float64, so that the order hardly matters.
 *
 * <p><b>Threads.</b> {@link #add} may run at once for different (layer, head); everything else by
 * one thread.
 */
public final class QuerySums implements Serializable {
  private static final long serialVersionUID = 1;

  private final int numLayers;
  private final int numHeads;
  private final int numPairs;
  private final double[] sums;
  private long tokens;

  /** Empty sums. */
  public QuerySums(int numLayers, int numHeads, int numPairs) {
    if (numLayers < 1 || numHeads < 1 || numPairs < 1) {
      throw new IllegalArgumentException(
          "no sums: %d layers, %d heads, %d pairs".formatted(numLayers, numHeads, numPairs));
    }
    this.numLayers = numLayers;
    this.numHeads = numHeads;
    this.numPairs = numPairs;
    this.sums = new double[numLayers * numHeads * numPairs * QueryCalibration.VALUES];
  }

  /**
   * Adds a query of one head.
   *
   * @param query {@code [2 numPairs]} from {@code offset}, before the rotary embedding
   */
  public void add(int layer, int head, float[] query, int offset) {
    int at = (layer * numHeads + head) * numPairs * QueryCalibration.VALUES;
    for (int pair = 0; pair < numPairs; pair++) {
      double real = query[offset + pair];
      double imaginary = query[offset + pair + numPairs];
      sums[at++] += real;
      sums[at++] += imaginary;
      sums[at++] += Math.sqrt(real * real + imaginary * imaginary);
    }
  }

  /** Counts tokens whose queries were added in every layer and head. */
  public void countTokens(long added) {
    tokens += added;
  }

  /** Tokens counted. */
  public long tokens() {
    return tokens;
  }

  /** Adds the sums of another part; returns this. */
  public QuerySums merge(QuerySums other) {
    if (other.numLayers != numLayers || other.numHeads != numHeads || other.numPairs != numPairs) {
      throw new IllegalArgumentException("sums of another model");
    }
    for (int i = 0; i < sums.length; i++) {
      sums[i] += other.sums[i];
    }
    tokens += other.tokens;
    return this;
  }

  /**
   * The means.
   *
   * @throws IllegalStateException where no token was counted
   */
  public QueryCalibration calibration() {
    if (tokens == 0) {
      throw new IllegalStateException("no tokens were added");
    }
    float[] means = new float[sums.length];
    for (int i = 0; i < means.length; i++) {
      means[i] = (float) (sums[i] / tokens);
    }
    return new QueryCalibration(numLayers, numHeads, numPairs, tokens, means);
  }
}
