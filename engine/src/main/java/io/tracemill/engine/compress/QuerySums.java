package io.tracemill.engine.compress;

import io.tracemill.engine.error.ReasoningException;
import java.io.Serializable;

/**
 * Adds up queries for a {@link QueryCalibration}. Sums over parts of a corpus are {@link #merge
 * merged}, so that parts may be collected anywhere.
 *
 * <p>Sums are whole multiples of 2<sup>-28</sup>, so adding is exact: the order of queries, the
 * number of parts and the order in which they are merged do not change a bit of the result. A mean
 * is off by 2<sup>-29</sup> at most, and a sum may reach 3.4e10.
 *
 * <p><b>Threads.</b> {@link #add} may run at once for different (layer, head); everything else by
 * one thread.
 */
public final class QuerySums implements Serializable {
  private static final long serialVersionUID = 2;
  private static final double UNITS = 1L << 28;

  private final int numLayers;
  private final int numHeads;
  private final int numPairs;
  private final long[] sums;
  private long tokens;
  private long texts;

  /** Empty sums. */
  public QuerySums(int numLayers, int numHeads, int numPairs) {
    if (numLayers < 1 || numHeads < 1 || numPairs < 1) {
      throw new IllegalArgumentException(
          "no sums: %d layers, %d heads, %d pairs".formatted(numLayers, numHeads, numPairs));
    }
    this.numLayers = numLayers;
    this.numHeads = numHeads;
    this.numPairs = numPairs;
    this.sums = new long[numLayers * numHeads * numPairs * QueryCalibration.VALUES];
  }

  /**
   * Adds a query of one head.
   *
   * @param query {@code [2 numPairs]} from {@code offset}, before the rotary embedding
   * @throws ReasoningException with code {@code INTERNAL} where an element is no number or too
   *     large to be added
   */
  public void add(int layer, int head, float[] query, int offset) {
    int at = (layer * numHeads + head) * numPairs * QueryCalibration.VALUES;
    for (int pair = 0; pair < numPairs; pair++) {
      double real = query[offset + pair];
      double imaginary = query[offset + pair + numPairs];
      double modulus = Math.sqrt(real * real + imaginary * imaginary);
      long units = Math.round(modulus * UNITS);
      // Of the three the modulus is the largest and the only one that never shrinks.
      if (!Double.isFinite(modulus) || sums[at + 2] > Long.MAX_VALUE - units) {
        throw PolicyErrors.unaddableQuery(layer, head, modulus);
      }
      sums[at++] += Math.round(real * UNITS);
      sums[at++] += Math.round(imaginary * UNITS);
      sums[at++] += units;
    }
  }

  /** Counts a text whose queries were added in every layer and head. */
  public void countText(int addedTokens) {
    tokens += addedTokens;
    texts++;
  }

  /** Tokens counted. */
  public long tokens() {
    return tokens;
  }

  /** Texts counted. */
  public long texts() {
    return texts;
  }

  /** Adds the sums of another part of the corpus of the same model; returns this. */
  public QuerySums merge(QuerySums other) {
    if (other.numLayers != numLayers || other.numHeads != numHeads || other.numPairs != numPairs) {
      throw new IllegalArgumentException("sums of another model");
    }
    for (int i = 0; i < sums.length; i++) {
      sums[i] = Math.addExact(sums[i], other.sums[i]);
    }
    tokens += other.tokens;
    texts += other.texts;
    return this;
  }

  /**
   * The means.
   *
   * @param model which model it was
   * @throws IllegalStateException where no token was counted
   */
  public QueryCalibration calibration(CalibratedModel model) {
    if (tokens == 0) {
      throw new IllegalStateException("no tokens were added");
    }
    float[] means = new float[sums.length];
    for (int i = 0; i < means.length; i++) {
      means[i] = (float) (sums[i] / (UNITS * tokens));
    }
    return new QueryCalibration(
        new QueryCalibration.Shape(numLayers, numHeads, numPairs),
        new QueryCalibration.Origin(model, tokens, texts),
        means);
  }
}
