package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.cpu.CpuBackendProvider;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfig.Architecture;
import io.tracemill.engine.model.RopeConfig;
import io.tracemill.engine.model.RopeScaling;
import io.tracemill.engine.weights.DummyWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Scores of policies other than RPC on the card against the CPU backend: the same tokens are fed to
 * both, lanes are scored or compressed three times, and the lowest kept scores are compared. A cut
 * is a mean over layers and sets of an order statistic, so that a wrong score, a wrong set or rows
 * in wrong places move it; what bf16 does to random weights stays within the tolerance.
 */
@Tag("gpu")
@RequiresGpu
final class TestCudaPolicies {
  static final int VOCAB = 517;
  private static final int PROMPT = 70;
  private static final int STEPS = 260;
  private static final int RING = 16;
  private static final int WINDOW = 8;
  private static final float RELATIVE = 0.05f;

  /** Where scores of neighbours differ little, and bf16 moves them less. */
  private static final float RELATIVE_OF_SPREADS = 0.01f;

  static Stream<KvCompressionPolicy> policies() {
    List<KvCompressionPolicy> policies = new ArrayList<>();
    policies.add(policy("sinks-window", 1, Map.of()));
    policies.add(policy("random", WINDOW, Map.of()));
    policies.add(policy("tova", 1, Map.of()));
    for (String aggregation : List.of("all", "group")) {
      policies.add(policy("snapkv", WINDOW, Map.of("aggregation", aggregation)));
      policies.add(
          policy(
              "h2o",
              WINDOW,
              Map.of("aggregation", aggregation, "queries", "16", "fold", "largest-share")));
      policies.add(policy("h2o", WINDOW, Map.of("aggregation", aggregation, "queries", "16")));
      policies.add(policy("r-kv", WINDOW, Map.of("aggregation", aggregation)));
      policies.add(policy("g-kv", WINDOW, Map.of("aggregation", aggregation)));
      policies.add(policy("chunkkv", WINDOW, Map.of("aggregation", aggregation, "chunk", "10")));
      // Which rows are widest hangs on bf16; TestCudaValueRules says which.
      policies.add(policy("vase", WINDOW, Map.of("aggregation", aggregation, "wide-rows", "0")));
      policies.add(
          KvPolicies.create(
              new KvPolicySettings("lagkv", 0, 0, 0, "", Map.of("aggregation", aggregation))));
    }
    return policies.stream();
  }

  @ParameterizedTest
  @MethodSource("policies")
  void cutsAreThoseOfTheCpu(KvCompressionPolicy policy) {
    for (ModelConfig config : List.of(network(6, 2, 64), network(7, 1, 128))) {
      assertCutsAreThoseOfTheCpu(policy, config, 1e-6f);
    }
  }

  /** As above, for one network; {@code absolute} is what cuts near 0 may differ by. */
  static void assertCutsAreThoseOfTheCpu(
      KvCompressionPolicy policy, ModelConfig config, float absolute) {
    int[] tokens = new Random(5).ints(STEPS, 0, VOCAB).toArray();
    BackendOptions options = Gpu.options(2, RING, 512, 64, 200_000_000L);
    List<Float> expected;
    List<Integer> sampled = new ArrayList<>();
    try (Backend cpu =
        new CpuBackendProvider()
            .open(new BackendRequest(config, DummyWeights.of(config, 4), options))) {
      expected =
          cuts(
              cpu,
              policy,
              tokens,
              sampled::add,
              () -> sampled.add(cpu.decode(new int[] {1}).await()[0]));
    }
    List<Float> actual;
    try (CudaBackend cuda = Gpu.open(config, DummyWeights.of(config, 4), options)) {
      Iterator<Integer> chosen = sampled.iterator();
      actual =
          cuts(
              cuda,
              policy,
              tokens,
              token -> cuda.session().lanes().force(LaneState.Field.TOKEN_ID, 1, chosen.next()),
              () -> {
                cuda.decode(new int[] {1});
                // The card may choose otherwise where two logits nearly tie; it goes on alike.
                cuda.session().lanes().force(LaneState.Field.TOKEN_ID, 1, chosen.next());
              });
    }
    assertThat(actual).hasSameSizeAs(expected);
    boolean spreads = policy.scoreRule().orElseThrow() instanceof ScoreRule.LagSpread;
    float relative = spreads ? RELATIVE_OF_SPREADS : RELATIVE;
    for (int i = 0; i < expected.size(); i++) {
      float tolerance = relative * Math.abs(expected.get(i)) + absolute;
      assertThat(actual.get(i))
          .as("%s, %s, compression %d", policy.settings(), config.headDim(), i)
          .isBetween(expected.get(i) - tolerance, expected.get(i) + tolerance);
    }
  }

  /**
   * Lowest kept scores after prompts of growing length, each a sequence of its own with a few
   * decoded rows for the ring; the same prompt tokens whatever is sampled.
   */
  private static List<Float> cuts(
      Backend backend,
      KvCompressionPolicy policy,
      int[] tokens,
      IntConsumer first,
      Runnable decode) {
    List<Float> cuts = new ArrayList<>();
    PagedLanes lanes = new PagedLanes(backend);
    for (int length : new int[] {PROMPT, 130, STEPS}) {
      int[] prompt = Arrays.copyOf(tokens, length);
      lanes.start(1, prompt, SamplingParams.greedy(STEPS), 77, RING);
      // What the prompt is followed by is sampled; it would differ where two logits nearly tie.
      first.accept(lanes.prefill(1, prompt, 64));
      int rows = length;
      for (int step = 0; step < RING; step++) {
        lanes.reserve(1, ++rows);
        decode.run();
      }
      ScoreRule rule = policy.scoreRule().orElseThrow();
      for (int turn = 0; turn < 3; turn++) {
        RowPlan plan = plan(rule, rows, turn);
        cuts.add(backend.compress(List.of(new LaneCompression(1, plan, rule))).scoreCuts()[0]);
        rows = plan.rowsAfter();
        lanes.release(1, rows);
      }
      backend.endLane(1);
      lanes.release(1, 0);
    }
    return cuts;
  }

  /** All candidates stay at first, then half of them, then 11. */
  private static RowPlan plan(ScoreRule rule, int rows, int turn) {
    // This rule compares candidates with at least as many rows after them.
    int candidates = rule instanceof ScoreRule.LagSpread ? (rows - 5) / 2 : rows - 5 - WINDOW;
    int kept =
        switch (turn) {
          case 0 -> candidates;
          case 1 -> candidates / 2;
          default -> 11;
        };
    return new RowPlan(5, candidates, kept, rows - 5 - candidates);
  }

  private static KvCompressionPolicy policy(String name, int window, Map<String, String> options) {
    return KvPolicies.create(new KvPolicySettings(name, 64, window, 0, "", options));
  }

  static ModelConfig network(int heads, int kvHeads, int headDim) {
    return new ModelConfig(
        Architecture.QWEN2,
        2,
        256,
        264,
        heads,
        kvHeads,
        headDim,
        VOCAB,
        1e-6f,
        new RopeConfig(10_000, new RopeScaling.None()),
        1024,
        true,
        true,
        false);
  }
}
