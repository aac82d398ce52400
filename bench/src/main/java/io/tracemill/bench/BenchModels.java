package io.tracemill.bench;

import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfig.Architecture;
import io.tracemill.engine.model.RopeConfig;
import io.tracemill.engine.model.RopeScaling;

/** The shapes of the models that figures are given for; weights are random. */
final class BenchModels {
  private BenchModels() {}

  /** A shape by its short name: {@code 7b} or {@code qwq}. */
  static ModelConfig of(String name) {
    return switch (name) {
      case "7b" -> r1DistillQwen7b();
      case "qwq" -> qwq32b();
      default -> throw new IllegalArgumentException("no model " + name + "; there are 7b and qwq");
    };
  }

  /** DeepSeek-R1-Distill-Qwen-7B. */
  static ModelConfig r1DistillQwen7b() {
    return new ModelConfig(
        Architecture.QWEN2,
        28,
        3584,
        18_944,
        28,
        4,
        128,
        152_064,
        1e-6f,
        new RopeConfig(10_000, new RopeScaling.None()),
        131_072,
        false,
        true,
        false);
  }

  /** QwQ-32B. */
  static ModelConfig qwq32b() {
    return new ModelConfig(
        Architecture.QWEN2,
        64,
        5120,
        27_648,
        40,
        8,
        128,
        152_064,
        1e-5f,
        new RopeConfig(1_000_000, new RopeScaling.None()),
        40_960,
        false,
        true,
        false);
  }
}
