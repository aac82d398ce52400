package io.tracemill.engine.model;

import io.tracemill.engine.model.RopeScaling.Linear;
import io.tracemill.engine.model.RopeScaling.Llama3;
import io.tracemill.engine.model.RopeScaling.Yarn;

/**
 * The rotary frequencies of a network. Pair i of a head turns by {@code position *
 * inverseFrequency(i)} radians, where the product is a float32; cosine and sine are multiplied by
 * {@link #attentionFactor}.
 *
 * <p>Unscaled, {@code inverseFrequency(i) = theta^(-2i/headDim)} (arXiv 2104.09864, section 3.2.2).
 * All formulas are evaluated in double and rounded to float32 once, at the end.
 */
public final class RopeFrequencies {
  private final float[] inverseFrequencies;
  private final float attentionFactor;

  private RopeFrequencies(float[] inverseFrequencies, float attentionFactor) {
    this.inverseFrequencies = inverseFrequencies;
    this.attentionFactor = attentionFactor;
  }

  /**
   * Computes the frequencies.
   *
   * @param headDim elements per head; even
   */
  public static RopeFrequencies of(RopeConfig rope, int headDim) {
    double[] unscaled = new double[headDim / 2];
    for (int i = 0; i < unscaled.length; i++) {
      unscaled[i] = Math.pow(rope.theta(), -2.0 * i / headDim);
    }
    RopeScaling scaling = rope.scaling();
    float[] scaled = new float[unscaled.length];
    Ramp ramp = scaling instanceof Yarn yarn ? Ramp.of(yarn, rope.theta(), headDim) : null;
    for (int i = 0; i < scaled.length; i++) {
      double frequency = unscaled[i];
      if (scaling instanceof Linear linear) {
        frequency /= linear.factor();
      } else if (scaling instanceof Llama3 llama3) {
        frequency = llama3(llama3, frequency);
      } else if (scaling instanceof Yarn yarn) {
        double interpolated = ramp.at(i);
        frequency = frequency / yarn.factor() * interpolated + frequency * (1 - interpolated);
      }
      scaled[i] = (float) frequency;
    }
    double factor = scaling instanceof Yarn yarn ? yarn.attentionFactor() : 1;
    return new RopeFrequencies(scaled, (float) factor);
  }

  /**
   * The rule of Llama 3.1's {@code rope_type: llama3}: with wavelength {@code w = 2 pi / f} and
   * context L, f is kept where {@code w < L / high}, divided by the factor where {@code w > L /
   * low}, and mixed between by {@code s = (L/w - low) / (high - low)}.
   */
  private static double llama3(Llama3 scaling, double frequency) {
    double wavelength = 2 * Math.PI / frequency;
    double context = scaling.originalMaxPositions();
    double low = scaling.lowFrequencyFactor();
    double high = scaling.highFrequencyFactor();
    if (wavelength < context / high) {
      return frequency;
    }
    if (wavelength > context / low) {
      return frequency / scaling.factor();
    }
    double smooth = (context / wavelength - low) / (high - low);
    return (1 - smooth) * frequency / scaling.factor() + smooth * frequency;
  }

  /**
   * Which pairs YaRN interpolates (arXiv 2309.00071, section 3.2): 0 below the pair that turns
   * {@code betaFast} times over the original context, 1 above the one that turns {@code betaSlow}
   * times, linear between.
   */
  private record Ramp(double low, double high) {
    static Ramp of(Yarn yarn, double theta, int headDim) {
      double low = pairWithRotations(yarn.betaFast(), yarn, theta, headDim);
      double high = pairWithRotations(yarn.betaSlow(), yarn, theta, headDim);
      if (yarn.truncate()) {
        low = Math.floor(low);
        high = Math.ceil(high);
      }
      low = Math.max(low, 0);
      high = Math.min(high, headDim - 1);
      return new Ramp(low, low == high ? high + 0.001 : high);
    }

    private static double pairWithRotations(
        double rotations, Yarn yarn, double theta, int headDim) {
      double context = yarn.originalMaxPositions();
      return headDim * Math.log(context / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
    }

    double at(int pair) {
      return Math.min(Math.max((pair - low) / (high - low), 0), 1);
    }
  }

  /** Number of pairs, half the head dimension. */
  public int numPairs() {
    return inverseFrequencies.length;
  }

  /** Radians per position of a pair, in [0, {@link #numPairs}). */
  public float inverseFrequency(int pair) {
    return inverseFrequencies[pair];
  }

  /** Factor on cosine and sine; 1 except for YaRN. */
  public float attentionFactor() {
    return attentionFactor;
  }
}
