package io.tracemill.engine.compress;

import java.util.Arrays;

/**
 * Chooses the rows that survive a compression from their scores: smoothing over neighbours, then
 * the highest n with ties to the lower row. Without sorting, in time linear in the candidates.
 */
public final class TokenSelector {
  private static final int DIGIT_BITS = 8;
  private static final int DIGITS = 1 << DIGIT_BITS;

  private TokenSelector() {}

  /**
   * Moving average over neighbouring candidates. Neighbours outside the candidates count as 0 and
   * the divisor is always {@code kernel}.
   *
   * @param scores {@code [count]}
   * @param count candidates
   * @param kernel neighbours that are averaged, odd
   * @param pooled receives {@code [count]}; another array than {@code scores}
   */
  public static void pool(float[] scores, int count, int kernel, float[] pooled) {
    if (kernel < 1 || kernel % 2 == 0) {
      throw new IllegalArgumentException("pooling kernel " + kernel + " is not odd");
    }
    int half = kernel / 2;
    for (int j = 0; j < count; j++) {
      float sum = 0;
      int last = Math.min(j + half, count - 1);
      for (int i = Math.max(j - half, 0); i <= last; i++) {
        sum += scores[i];
      }
      pooled[j] = sum / kernel;
    }
  }

  /**
   * Largest of neighbouring candidates; neighbours outside do not count.
   *
   * @param scores {@code [count]}
   * @param count candidates
   * @param kernel neighbours, odd
   * @param pooled receives {@code [count]}; another array than {@code scores}
   */
  public static void poolLargest(float[] scores, int count, int kernel, float[] pooled) {
    if (kernel < 1 || kernel % 2 == 0) {
      throw new IllegalArgumentException("pooling kernel " + kernel + " is not odd");
    }
    int half = kernel / 2;
    for (int j = 0; j < count; j++) {
      float largest = scores[j];
      int last = Math.min(j + half, count - 1);
      for (int i = Math.max(j - half, 0); i <= last; i++) {
        largest = Math.max(largest, scores[i]);
      }
      pooled[j] = largest;
    }
  }

  /**
   * The indices of the {@code keep} highest scores, ascending; among equal scores the lower index
   * is kept.
   *
   * @param pooled {@code [count]}; NaN ranks above infinity
   * @param count candidates
   * @param keep how many to keep, in [0, count]
   * @param retained receives {@code [keep]}
   */
  public static void select(float[] pooled, int count, int keep, int[] retained) {
    if (keep < 0 || keep > count) {
      throw new IllegalArgumentException("cannot keep " + keep + " of " + count + " candidates");
    }
    if (keep == 0) {
      return;
    }
    int cut = keyAtRank(pooled, count, keep);
    int equalKept = keep;
    for (int j = 0; j < count; j++) {
      if (key(pooled[j]) > cut) {
        equalKept--;
      }
    }
    int next = 0;
    for (int j = 0; next < keep; j++) {
      int key = key(pooled[j]);
      if (key > cut || (key == cut && equalKept-- > 0)) {
        retained[next++] = j;
      }
    }
  }

  /** The key of the rank-th highest score, rank from 1: one digit after the other. */
  private static int keyAtRank(float[] pooled, int count, int rank) {
    int[] histogram = new int[DIGITS];
    int found = 0;
    int above = rank;
    for (int shift = Integer.SIZE - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
      Arrays.fill(histogram, 0);
      // Digits above this one; the first pass has none, where a shift by 32 would be a shift by 0.
      int fixed = shift + DIGIT_BITS == Integer.SIZE ? 0 : -1 << (shift + DIGIT_BITS);
      for (int j = 0; j < count; j++) {
        int key = key(pooled[j]) ^ Integer.MIN_VALUE;
        if ((key & fixed) == found) {
          histogram[(key >>> shift) & (DIGITS - 1)]++;
        }
      }
      int digit = DIGITS - 1;
      while (histogram[digit] < above) {
        above -= histogram[digit--];
      }
      found |= digit << shift;
    }
    return found ^ Integer.MIN_VALUE;
  }

  /** An int in the order of the float; -0 and 0 are equal. */
  private static int key(float score) {
    int bits = Float.floatToIntBits(score + 0.0f);
    return bits ^ ((bits >> 31) & Integer.MAX_VALUE);
  }
}
