package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.backend.PendingCompression;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.cpu.CpuBackendProvider;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.weights.DummyWeights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Counts by attention norm, and scores from calibrated queries, on the card against the CPU
 * backend: the same tokens are fed to both. Counts may differ by the few rows whose attention bf16
 * moves across the threshold; the rows that a lane holds afterwards may not differ from the count.
 */
@Tag("gpu")
@RequiresGpu
final class TestCudaCountedRows {
  private static final int VOCAB = 517;
  private static final int PROMPT = 200;
  private static final int RING = 16;
  private static final int WINDOW = 8;
  private static final int LANE = 1;
  private static final double SHARE_OF_CANDIDATES = 0.05;
  // Scores have a deviation of about 1 and a mean of 0.
  private static final float EXPECTED_ABSOLUTE = 0.03f;

  @TempDir Path folder;

  /** What a compression left: its count, and the rows that the lane holds by it. */
  private record Counted(int candidates, int kept, int rows) {}

  @ParameterizedTest
  @ValueSource(strings = {"all", "group"})
  void expectedAttentionIsThatOfTheCpu(String aggregation) {
    for (ModelConfig config : networks()) {
      String file = Calibrations.write(config, folder).toString();
      KvCompressionPolicy policy =
          policy("triattention", Map.of("aggregation", aggregation, "calibration", file));
      TestCudaPolicies.assertCutsAreThoseOfTheCpu(policy, config, EXPECTED_ABSOLUTE);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "snapkv, all",
    "snapkv, group",
    "h2o, all",
    "r-kv, group",
    "g-kv, all",
    "chunkkv, all",
    "random, all"
  })
  void countsAreThoseOfTheCpu(String name, String aggregation) {
    Map<String, String> options =
        switch (name) {
          case "random" -> Map.of();
          case "h2o" -> Map.of("aggregation", aggregation, "queries", "16");
          default -> Map.of("aggregation", aggregation);
        };
    ScoreRule rule = policy(name, options).scoreRule().orElseThrow();
    for (ModelConfig config : networks()) {
      BackendOptions backendOptions = Gpu.options(2, RING, 512, 64, 200_000_000L);
      List<Counted> expected;
      List<Integer> sampled = new ArrayList<>();
      try (Backend cpu =
          new CpuBackendProvider()
              .open(new BackendRequest(config, DummyWeights.of(config, 4), backendOptions))) {
        expected =
            compressThrice(
                cpu,
                rule,
                sampled::add,
                () -> sampled.add(cpu.decode(new int[] {LANE}).await()[0]));
      }
      List<Counted> actual;
      try (CudaBackend cuda = Gpu.open(config, DummyWeights.of(config, 4), backendOptions)) {
        Iterator<Integer> chosen = sampled.iterator();
        IntConsumer follow =
            token -> cuda.session().lanes().force(LaneState.Field.TOKEN_ID, LANE, chosen.next());
        actual =
            compressThrice(
                cuda,
                rule,
                follow,
                () -> {
                  cuda.decode(new int[] {LANE});
                  follow.accept(0);
                });
        int[] rowsOnDevice =
            Gpu.ints(
                cuda.session(), cuda.session().lanes().address(LaneState.Field.KV_LEN), LANE + 1);
        assertThat(rowsOnDevice[LANE]).isEqualTo(actual.get(2).rows());
      }
      for (int i = 0; i < expected.size(); i++) {
        Counted want = expected.get(i);
        Counted got = actual.get(i);
        int tolerance = 2 + (int) (SHARE_OF_CANDIDATES * want.candidates());
        assertThat(got.kept())
            .as("%s, %s, compression %d: %s", name, config.headDim(), i, want)
            .isBetween(want.kept() - tolerance, want.kept() + tolerance);
      }
    }
  }

  /** Counts at three thresholds in turn, a few steps apart; plans start from the rows held. */
  private static List<Counted> compressThrice(
      Backend backend, ScoreRule rule, IntConsumer first, Runnable decode) {
    PagedLanes lanes = new PagedLanes(backend);
    int[] prompt = new Random(8).ints(PROMPT, 0, VOCAB).toArray();
    lanes.start(LANE, prompt, SamplingParams.greedy(100), 77, RING);
    first.accept(lanes.prefill(LANE, prompt, 64));
    List<Counted> counts = new ArrayList<>();
    int rows = PROMPT;
    for (double threshold : new double[] {0.02, 0.1, 0.4}) {
      for (int step = 0; step < RING; step++) {
        lanes.reserve(LANE, ++rows);
        decode.run();
      }
      int candidates = rows - 5 - WINDOW;
      RowPlan plan = new RowPlan(5, candidates, candidates, WINDOW);
      KeepRule keep = new KeepRule.AttentionNorm(threshold, WINDOW);
      PendingCompression pending =
          backend.compress(List.of(new LaneCompression(LANE, plan, rule, keep)));
      rows = plan.rowsAfter() - pending.rowsBeyondPlan(0);
      lanes.release(LANE, rows);
      counts.add(new Counted(candidates, candidates - pending.rowsBeyondPlan(0), rows));
    }
    return counts;
  }

  private static List<ModelConfig> networks() {
    return List.of(TestCudaPolicies.network(6, 2, 64), TestCudaPolicies.network(7, 1, 128));
  }

  private static KvCompressionPolicy policy(String name, Map<String, String> options) {
    return KvPolicies.create(
        new KvPolicySettings(name, 64, name.equals("tova") ? 1 : WINDOW, 0, "", options));
  }
}
