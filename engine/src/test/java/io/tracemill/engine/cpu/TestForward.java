package io.tracemill.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfig.Architecture;
import io.tracemill.engine.model.RopeScaling;
import io.tracemill.engine.weights.ElementType;
import io.tracemill.engine.weights.ModelWeights;
import io.tracemill.engine.weights.TinyCheckpoints;
import io.tracemill.engine.weights.TinyCheckpoints.TensorValues;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Random networks of every architecture, rope type and element type against double precision. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class TestForward {
  private static final List<RopeScaling> SCALINGS =
      List.of(
          new RopeScaling.None(),
          new RopeScaling.Linear(4),
          new RopeScaling.Llama3(8, 1, 4, 64),
          new RopeScaling.Yarn(4, 8, 1, 1.1386294361119891, 64, true),
          new RopeScaling.Yarn(4, 8, 1, 0.9, 64, false));

  private final long seed = Seeds.seed();

  @Test
  void everyArchitectureWithEveryRopeTypeAgrees() {
    for (Architecture architecture : Architecture.values()) {
      for (RopeScaling scaling : SCALINGS) {
        check(TinyCheckpoints.config(architecture, scaling), ElementType.BF16, KvElement.FLOAT32);
      }
    }
  }

  @Test
  void everyElementTypeKeepsTheStoredValues() {
    for (ElementType type : ElementType.values()) {
      check(
          TinyCheckpoints.config(Architecture.LLAMA, new RopeScaling.None()),
          type,
          KvElement.FLOAT32);
    }
  }

  @Test
  void aCacheInBf16StaysClose() {
    double error =
        largestError(
            TinyCheckpoints.config(Architecture.QWEN3, new RopeScaling.None()),
            ElementType.BF16,
            KvElement.BF16);
    // One part in 256 per element, averaged over rows and heads.
    assertThat(error).isLessThan(0.05).isGreaterThan(1e-5);
  }

  private void check(ModelConfig config, ElementType type, KvElement element) {
    assertThat(largestError(config, type, element))
        .as("%s, %s, %s, seed %d", config.architecture(), config.rope(), type, seed)
        .isLessThan(5e-5);
  }

  /** Over a prompt in chunks and some forced decode steps; 75 rows, so that pages are crossed. */
  private double largestError(ModelConfig config, ElementType type, KvElement element) {
    Map<String, TensorValues> tensors =
        TinyCheckpoints.rounded(TinyCheckpoints.tensors(config, seed), type);
    ExactForward exact = new ExactForward(config, tensors);
    int[] prompt = new Random(seed).ints(70, 0, config.vocabSize()).toArray();
    double worst = 0;
    try (ModelWeights weights = TinyCheckpoints.weights(config, tensors, type);
        CpuBackend backend = open(config, weights, element)) {
      LaneDriver driver = new LaneDriver(backend);
      driver.start(0, prompt, SamplingParams.greedy(10), 0, 0);
      int[] tokens = prompt;
      int next = driver.prefill(0, prompt, 33);
      for (int step = 0; step < 5; step++) {
        double[] expected = exact.logits(tokens);
        float[] actual = backend.logits(0);
        for (int i = 0; i < expected.length; i++) {
          assertThat(actual[i]).isFinite();
          worst = Math.max(worst, Math.abs(actual[i] - expected[i]));
        }
        tokens = Arrays.copyOf(tokens, tokens.length + 1);
        tokens[tokens.length - 1] = next;
        driver.reserve(0, tokens.length);
        next = driver.decode(0);
      }
    }
    return worst;
  }

  static CpuBackend open(ModelConfig config, ModelWeights weights, KvElement element) {
    BackendOptions options =
        new BackendOptions(
            1,
            0,
            128,
            16,
            OptionalLong.of(4_000_000),
            0.5,
            element,
            OptionalInt.of(2),
            OptionalInt.empty());
    return CpuBackendProvider.open(
        new BackendRequest(config, weights, options), KernelChoice.kernels());
  }
}
