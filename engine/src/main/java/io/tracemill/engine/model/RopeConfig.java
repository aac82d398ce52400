package io.tracemill.engine.model;

import java.util.Objects;

/**
 * Rotary position embedding.
 *
 * @param theta base of the frequencies
 * @param scaling how frequencies are changed for long contexts
 */
public record RopeConfig(double theta, RopeScaling scaling) {
  public RopeConfig {
    Objects.requireNonNull(scaling, "scaling");
    if (!(theta > 0)) {
      throw new IllegalArgumentException("rope theta " + theta + " is not positive");
    }
  }
}
