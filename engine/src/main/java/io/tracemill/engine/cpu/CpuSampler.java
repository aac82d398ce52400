package io.tracemill.engine.cpu;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.CounterRandom;
import io.tracemill.engine.backend.PendingTokens;
import java.util.Arrays;

/**
 * Draws one token from logits. What is kept and what is drawn is defined in whole numbers, so that
 * a seed gives the same tokens on any number of threads. Other backends draw from the same
 * distribution with weights of their own; only greedy tokens are the same everywhere.
 *
 * <ol>
 *   <li>Repetition penalty: the logit of every token seen so far is divided by the penalty where it
 *       is positive and multiplied by it otherwise.
 *   <li>Greedy: the highest logit, the lower id among equals; done.
 *   <li>Temperature: {@code x[i] = logit[i] / temperature}.
 *   <li>Weights: {@code w[i] = floor(2^32 * exp(x[i] - max x))} with {@link Exponential#exp}, and 0
 *       where {@code x[i] - max x < -22.5}. Weights are whole numbers, so that their sums do not
 *       depend on the order of addition.
 *   <li>Top-k: tokens with a logit below the k-th highest get weight 0; equals of the k-th stay.
 *   <li>Top-p: a token stays where the weight of all tokens with a higher {@code x} is below {@code
 *       p * total}, with the total after top-k; compared as doubles. Equals stay or go together.
 *   <li>Min-p: a token stays where {@code exp(x[i] - max x) >= p}.
 *   <li>Draw: with {@code u} of {@link CounterRandom} in units of 2^-24 and the total weight of
 *       what is kept, the first token in ascending id order whose cumulative weight exceeds {@code
 *       floor(u * total / 2^24)}.
 * </ol>
 *
 * <p>One sampler serves one worker.
 */
final class CpuSampler {
  /** Weights below 2^-32 of the highest are 0: ln(2^-32) is -22.18. */
  private static final float NEGLIGIBLE = -22.5f;

  private static final float WEIGHT_UNIT = 0x1.0p32f;
  private static final int DIGIT_BITS = 8;
  private static final int DIGITS = 1 << DIGIT_BITS;

  private final int vocabSize;
  // The tokens that still count, ascending by id, with the order key of x and the weight of each.
  private final int[] ids;
  private final int[] keys;
  private final long[] weights;
  private final float[] exponentials;
  private final long[] histogram = new long[DIGITS];
  private int size;

  CpuSampler(int vocabSize) {
    this.vocabSize = vocabSize;
    ids = new int[vocabSize];
    keys = new int[vocabSize];
    weights = new long[vocabSize];
    exponentials = new float[vocabSize];
  }

  static long byteSize(int vocabSize) {
    return 20L * vocabSize;
  }

  /**
   * Draws the next token of a lane; {@link PendingTokens#NO_TOKEN} where a logit is not finite.
   *
   * @param logits {@code [vocabSize]} from {@code offset}; changed by the repetition penalty
   */
  int sample(float[] logits, int offset, Lane lane) {
    SamplingParams params = lane.sampling();
    if (params.repetitionPenalty() != 1) {
      penalise(logits, offset, lane.seen(), params.repetitionPenalty());
    }
    int top = highest(logits, offset);
    if (top < 0) {
      return PendingTokens.NO_TOKEN;
    }
    if (params.isGreedy()) {
      return top;
    }
    collect(logits, offset, logits[offset + top] / params.temperature(), params.temperature());
    if (params.topK() > 0 && params.topK() < size) {
      keepFrom(keyOfRank(params.topK()));
    }
    if (params.topP() < 1) {
      keepFrom(keyOfMass((double) params.topP() * total()));
    }
    if (params.minP() > 0) {
      keepAbove(params.minP());
    }
    return draw(CounterRandom.uniform(lane.randomKey(), lane.outputTokens()));
  }

  private void penalise(float[] logits, int offset, long[] seen, float penalty) {
    for (int word = 0; word < seen.length; word++) {
      for (long bits = seen[word]; bits != 0; bits &= bits - 1) {
        int at = offset + word * 64 + Long.numberOfTrailingZeros(bits);
        logits[at] = logits[at] > 0 ? logits[at] / penalty : logits[at] * penalty;
      }
    }
  }

  /** The highest logit's id, the lower one among equals; negative where a logit is not finite. */
  private int highest(float[] logits, int offset) {
    int top = 0;
    float best = Float.NEGATIVE_INFINITY;
    float sum = 0;
    for (int i = 0; i < vocabSize; i++) {
      float logit = logits[offset + i];
      sum += logit * 0;
      if (logit > best) {
        best = logit;
        top = i;
      }
    }
    return sum == 0 ? top : -1;
  }

  private void collect(float[] logits, int offset, float maximum, float temperature) {
    size = 0;
    for (int i = 0; i < vocabSize; i++) {
      float x = logits[offset + i] / temperature;
      if (x - maximum >= NEGLIGIBLE) {
        float e = Exponential.exp(x - maximum);
        ids[size] = i;
        keys[size] = orderKey(x);
        exponentials[size] = e;
        weights[size] = (long) (e * WEIGHT_UNIT);
        size++;
      }
    }
  }

  /** An int in the order of the float; -0 and 0 are equal. */
  private static int orderKey(float value) {
    int bits = Float.floatToRawIntBits(value + 0.0f);
    return bits ^ ((bits >> 31) & Integer.MAX_VALUE);
  }

  private long total() {
    long total = 0;
    for (int i = 0; i < size; i++) {
      total += weights[i];
    }
    return total;
  }

  /** The key of the k-th highest token. */
  private int keyOfRank(int k) {
    return keyWhere(k, Measure.COUNT);
  }

  /** The lowest key such that all tokens with higher keys weigh less than {@code mass}. */
  private int keyOfMass(double mass) {
    return keyWhere(mass, Measure.WEIGHT);
  }

  private enum Measure {
    COUNT,
    WEIGHT
  }

  /**
   * The highest key at which the measure of all tokens with that key or a higher one reaches the
   * bound: from the highest digit down, the digit in whose bin the bound falls.
   */
  private int keyWhere(double bound, Measure measure) {
    int found = 0;
    long above = 0;
    for (int shift = Integer.SIZE - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
      Arrays.fill(histogram, 0);
      int fixed = shift + DIGIT_BITS == Integer.SIZE ? 0 : -1 << (shift + DIGIT_BITS);
      for (int i = 0; i < size; i++) {
        int key = keys[i] ^ Integer.MIN_VALUE;
        if ((key & fixed) == found) {
          histogram[(key >>> shift) & (DIGITS - 1)] += measure == Measure.COUNT ? 1 : weights[i];
        }
      }
      int digit = DIGITS - 1;
      while (digit > 0 && (double) (above + histogram[digit]) < bound) {
        above += histogram[digit--];
      }
      found |= digit << shift;
    }
    return found ^ Integer.MIN_VALUE;
  }

  /** Drops tokens with a lower key. */
  private void keepFrom(int lowestKey) {
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (keys[i] >= lowestKey) {
        copy(i, kept++);
      }
    }
    size = kept;
  }

  /** Drops tokens below a share of the highest probability. */
  private void keepAbove(float share) {
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (exponentials[i] >= share) {
        copy(i, kept++);
      }
    }
    size = kept;
  }

  private void copy(int from, int to) {
    ids[to] = ids[from];
    keys[to] = keys[from];
    weights[to] = weights[from];
    exponentials[to] = exponentials[from];
  }

  private int draw(float uniform) {
    long units = (long) (uniform * 0x1.0p24f);
    long total = total();
    long target = (Math.multiplyHigh(units, total) << (Long.SIZE - 24)) | ((units * total) >>> 24);
    long cumulative = 0;
    for (int i = 0; i < size; i++) {
      cumulative += weights[i];
      if (cumulative > target) {
        return ids[i];
      }
    }
    throw new IllegalStateException("draw " + uniform + " of " + size + " tokens ended nowhere");
  }
}
