package io.tracemill.engine.weights;

/** bf16 values: the upper half of a float32. */
public final class Bf16 {
  private Bf16() {}

  /** Rounds to the nearest bf16, ties to even; NaN stays NaN. */
  public static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
  }

  /** The same value as a float32. */
  public static float toFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }
}
