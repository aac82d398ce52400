package io.tracemill.engine.cpu;

/**
 * {@code exp} in float32, as every kernel computes it: {@code x = n ln 2 + r} with whole n and
 * {@code |r| <= ln(2)/2}, the Taylor polynomial of degree 7 for {@code exp(r)} (relative error
 * below 6e-9 before rounding), and n added to the exponent's bits. Arguments are clamped to [{@link
 * #MIN}, {@link #MAX}], so that neither end leaves the normal numbers.
 */
final class Exponential {
  static final float MIN = -86.5f;
  static final float MAX = 88;
  static final float LOG2_E = (float) (1 / Math.log(2));

  /** Adding it rounds a float32 to a whole number, which then is in the low bits. */
  static final float ROUND = 0x1.8p23f;

  /** The upper 12 bits of ln 2: a product with a whole number below 2^12 is exact. */
  static final float LN2_HIGH = 0x1.62ep-1f;

  static final float LN2_LOW = (float) (Math.log(2) - 0x1.62ep-1);

  static final float C2 = 1f / 2;
  static final float C3 = 1f / 6;
  static final float C4 = 1f / 24;
  static final float C5 = 1f / 120;
  static final float C6 = 1f / 720;
  static final float C7 = 1f / 5040;

  private Exponential() {}

  static float exp(float argument) {
    float x = Math.min(Math.max(argument, MIN), MAX);
    float rounded = Math.fma(x, LOG2_E, ROUND);
    float n = rounded - ROUND;
    float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, x));
    float p = Math.fma(C7, r, C6);
    p = Math.fma(p, r, C5);
    p = Math.fma(p, r, C4);
    p = Math.fma(p, r, C3);
    p = Math.fma(p, r, C2);
    p = Math.fma(p, r, 1);
    p = Math.fma(p, r, 1);
    return Float.intBitsToFloat(
        Float.floatToRawIntBits(p) + (Float.floatToRawIntBits(rounded) << 23));
  }
}
