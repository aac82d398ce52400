package io.tracemill.engine.model;

import java.util.Iterator;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * Reads the rotary embedding of {@code config.json}: either {@code rope_theta} beside {@code
 * rope_scaling}, or both in one {@code rope_parameters} object, as newer checkpoints have it.
 */
final class RopeConfigReader {
  private static final double DEFAULT_THETA = 10_000;
  private static final String ORIGINAL = "original_max_position_embeddings";
  private static final Set<String> KNOWN =
      Set.of(
          "rope_type",
          "type",
          "rope_theta",
          "factor",
          "low_freq_factor",
          "high_freq_factor",
          "original_max_position_embeddings",
          "beta_fast",
          "beta_slow",
          "attention_factor",
          "mscale",
          "mscale_all_dim",
          "truncate",
          "partial_rotary_factor");

  private RopeConfigReader() {}

  static RopeConfig read(JsonFile config, int maxPositions) {
    double theta = config.number("rope_theta", DEFAULT_THETA);
    String key = config.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
    if (!config.has(key)) {
      return new RopeConfig(positive(config, "rope_theta", theta), new RopeScaling.None());
    }
    JsonFile rope = config.object(key);
    checkKeys(rope, config.node(key).fieldNames());
    theta = positive(rope, "rope_theta", rope.number("rope_theta", theta));
    return new RopeConfig(theta, scaling(rope, maxPositions));
  }

  private static void checkKeys(JsonFile rope, Iterator<String> keys) {
    while (keys.hasNext()) {
      String key = keys.next();
      if (!KNOWN.contains(key)) {
        throw rope.unsupported(key, "none of it");
      }
    }
    if (rope.number("partial_rotary_factor", 1) != 1) {
      throw rope.unsupported("partial_rotary_factor", "1");
    }
  }

  private static RopeScaling scaling(JsonFile rope, int maxPositions) {
    String typeKey = rope.has("rope_type") ? "rope_type" : "type";
    return switch (rope.text(typeKey, "default")) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(factor(rope));
      case "llama3" -> llama3(rope);
      case "yarn" -> yarn(rope, maxPositions);
      default -> throw rope.unsupported(typeKey, "default, linear, llama3 and yarn");
    };
  }

  private static RopeScaling llama3(JsonFile rope) {
    double low = positive(rope, "low_freq_factor", rope.number("low_freq_factor"));
    double high = positive(rope, "high_freq_factor", rope.number("high_freq_factor"));
    if (low >= high) {
      throw rope.wrongType("low_freq_factor", "below high_freq_factor");
    }
    return new RopeScaling.Llama3(
        factor(rope), low, high, originalMaxPositions(rope, rope.integer(ORIGINAL)));
  }

  private static RopeScaling yarn(JsonFile rope, int maxPositions) {
    double factor = factor(rope);
    double betaFast = positive(rope, "beta_fast", rope.number("beta_fast", 32));
    double betaSlow = positive(rope, "beta_slow", rope.number("beta_slow", 1));
    int original = originalMaxPositions(rope, rope.integer(ORIGINAL, maxPositions));
    return new RopeScaling.Yarn(
        factor,
        betaFast,
        betaSlow,
        yarnAttentionFactor(rope, factor),
        original,
        rope.flag("truncate", true));
  }

  /**
   * The factor on cosines and sines: as given, or from {@code mscale} and {@code mscale_all_dim},
   * or {@code 0.1 ln(factor) + 1} (arXiv 2309.00071, equation 22).
   */
  private static double yarnAttentionFactor(JsonFile rope, double factor) {
    OptionalDouble given = rope.optionalNumber("attention_factor");
    if (given.isPresent()) {
      return positive(rope, "attention_factor", given.getAsDouble());
    }
    double mscale = rope.number("mscale", 0);
    double allDim = rope.number("mscale_all_dim", 0);
    if (mscale != 0 && allDim != 0) {
      return magnitude(factor, mscale) / magnitude(factor, allDim);
    }
    return magnitude(factor, 1);
  }

  private static double magnitude(double factor, double mscale) {
    return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
  }

  private static int originalMaxPositions(JsonFile rope, int value) {
    if (value < 1) {
      throw rope.wrongType(ORIGINAL, "1 or more");
    }
    return value;
  }

  private static double factor(JsonFile rope) {
    double factor = rope.number("factor");
    if (!(factor >= 1)) {
      throw rope.wrongType("factor", "1 or more");
    }
    return factor;
  }

  private static double positive(JsonFile json, String key, double value) {
    if (!(value > 0)) {
      throw json.wrongType(key, "positive");
    }
    return value;
  }
}
