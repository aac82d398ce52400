package io.tracemill.engine.model;

/** How rotary frequencies are scaled, by the names that {@code rope_scaling.rope_type} uses. */
public sealed interface RopeScaling {

  /** {@code default}: unchanged. */
  record None() implements RopeScaling {}

  /** {@code linear}: all frequencies divided by the factor. */
  record Linear(double factor) implements RopeScaling {}

  /**
   * {@code llama3}: long wavelengths divided by the factor, short ones kept, a smooth ramp between.
   */
  record Llama3(
      double factor,
      double lowFrequencyFactor,
      double highFrequencyFactor,
      int originalMaxPositions)
      implements RopeScaling {}

  /**
   * {@code yarn}: ramp between interpolation and extrapolation, attention scaled (arXiv
   * 2309.00071).
   */
  record Yarn(
      double factor,
      double betaFast,
      double betaSlow,
      double attentionFactor,
      int originalMaxPositions,
      boolean truncate)
      implements RopeScaling {}
}
