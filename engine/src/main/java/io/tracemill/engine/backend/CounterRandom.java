package io.tracemill.engine.backend;

import java.nio.charset.StandardCharsets;

/**
 * The random numbers of sampling: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy
 * as 1, 2, 3", SC 2011) without state. A draw is a pure function of (run seed, row key, sample
 * index, token index), so that a retry, another batch or another machine draws the same. Every
 * backend computes exactly this.
 */
public final class CounterRandom {
  private static final int MULTIPLIER_0 = 0xD2511F53;
  private static final int MULTIPLIER_1 = 0xCD9E8D57;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;
  private static final int ROUNDS = 10;

  private CounterRandom() {}

  /**
   * The 64-bit key of one sample of one row: FNV-1a over its parts, finished with a 64-bit mixer.
   */
  public static long key(long seed, String rowKey, int sampleIndex) {
    long hash = 0xCBF29CE484222325L;
    for (byte b : rowKey.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xFF)) * 0x100000001B3L;
    }
    return mix(mix(hash ^ mix(seed)) + sampleIndex);
  }

  /**
   * The draw of one token, uniform in [0, 1) with 24 bits.
   *
   * @param key the lane's key: the low word is Philox key 0, the high word key 1
   * @param tokenIndex index of the output token, from 0: counter word 0; the other counter words
   *     are 0
   */
  public static float uniform(long key, int tokenIndex) {
    return (firstWord(key, tokenIndex) >>> 8) * 0x1.0p-24f;
  }

  /**
   * A draw of a KV policy, one 32-bit word. Sampling leaves the upper counter words 0; here the
   * last is 1, so that no draw is used twice.
   *
   * @param key the lane's key
   * @param candidate counter word 0
   * @param position counter word 1: the lane's next position
   * @param set counter word 2: {@code layer * sets + set}
   */
  public static int policyWord(long key, int candidate, int position, int set) {
    return word(key, candidate, position, set, 1);
  }

  static int firstWord(long key, int counter) {
    return word(key, counter, 0, 0, 0);
  }

  private static int word(long key, int counter0, int counter1, int counter2, int counter3) {
    int c0 = counter0;
    int c1 = counter1;
    int c2 = counter2;
    int c3 = counter3;
    int k0 = (int) key;
    int k1 = (int) (key >>> 32);
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = Integer.toUnsignedLong(MULTIPLIER_0) * Integer.toUnsignedLong(c0);
      long product1 = Integer.toUnsignedLong(MULTIPLIER_1) * Integer.toUnsignedLong(c2);
      c0 = (int) (product1 >>> 32) ^ c1 ^ k0;
      c2 = (int) (product0 >>> 32) ^ c3 ^ k1;
      c1 = (int) product1;
      c3 = (int) product0;
      k0 += WEYL_0;
      k1 += WEYL_1;
    }
    return c0;
  }

  /** The finaliser of SplitMix64. */
  private static long mix(long value) {
    long z = value + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
