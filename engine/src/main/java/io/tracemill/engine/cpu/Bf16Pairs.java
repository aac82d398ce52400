package io.tracemill.engine.cpu;

import io.tracemill.engine.weights.Bf16;

/**
 * Rows of bf16 elements, two to an {@code int}: of every 32 elements, int i holds element i in its
 * lower and element {@code i + 16} in its upper half.
 */
final class Bf16Pairs {
  private Bf16Pairs() {}

  /** The element in the lower half of an int; the one in the upper half is 16 further. */
  static int element(int pair) {
    return pair / 16 * 32 + pair % 16;
  }

  /** The int that holds an element. */
  static int pair(int element) {
    return element / 32 * 16 + element % 16;
  }

  /** Stores a float32 rounded to bf16. */
  static void set(int[] pairs, int pair, int element, float value) {
    put(pairs, pair, element, Bf16.fromFloat(value));
  }

  /** Stores the bits of a bf16. */
  static void put(int[] pairs, int pair, int element, short bits) {
    int shift = element & 16;
    pairs[pair] = (pairs[pair] & (0xFFFF0000 >>> shift)) | ((bits & 0xFFFF) << shift);
  }

  /** The bits of an element. */
  static short get(int[] pairs, int pair, int element) {
    return (short) (pairs[pair] >>> (element & 16));
  }

  /** The value of an element. */
  static float value(int[] pairs, int pair, int element) {
    return Bf16.toFloat(get(pairs, pair, element));
  }
}
