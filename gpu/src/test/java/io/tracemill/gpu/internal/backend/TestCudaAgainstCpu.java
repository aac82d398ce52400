package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule.SelectorAttention;
import io.tracemill.engine.cpu.CpuBackendProvider;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfig.Architecture;
import io.tracemill.engine.model.RopeConfig;
import io.tracemill.engine.model.RopeScaling;
import io.tracemill.engine.weights.DummyWeights;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The CUDA backend against the CPU backend on random networks of awkward shapes: the CPU's greedy
 * tokens are fed to the card, whose logit of the CPU's choice may fall short of its own highest by
 * no more than bf16 explains. A compression lies between the steps.
 */
@Tag("gpu")
@RequiresGpu
class TestCudaAgainstCpu {
  private static final int PROMPT = 70;
  private static final int STEPS = 100;
  private static final int COMPRESS_AFTER = 60;
  private static final int RING = 8;
  private static final int VOCAB = 517;

  /** In units of the logits' standard deviation; two bf16 networks of this depth differ by less. */
  private static final double MOST_SHORTFALL = 0.15;

  static Stream<ModelConfig> networks() {
    List<ModelConfig> networks = new ArrayList<>();
    for (int group = 1; group <= 8; group++) {
      int headDim = group % 2 == 0 ? 64 : 128;
      int kvHeads = group <= 4 ? 3 : 1;
      networks.add(
          network(Architecture.QWEN2, 64 * group + 8, 136, group * kvHeads, kvHeads, headDim));
    }
    networks.add(network(Architecture.QWEN3, 256, 1032, 10, 2, 128));
    networks.add(network(Architecture.LLAMA, 1032, 264, 7, 7, 64));
    return networks.stream();
  }

  private static ModelConfig network(
      Architecture architecture, int hidden, int intermediate, int heads, int kvHeads, int dim) {
    boolean qwen2 = architecture == Architecture.QWEN2;
    return new ModelConfig(
        architecture,
        2,
        hidden,
        intermediate,
        heads,
        kvHeads,
        dim,
        VOCAB,
        1e-6f,
        new RopeConfig(10_000, new RopeScaling.None()),
        1024,
        heads % 2 == 0,
        qwen2,
        architecture == Architecture.QWEN3);
  }

  @ParameterizedTest
  @MethodSource("networks")
  void theCardFollowsTheCpu(ModelConfig config) {
    int[] prompt = new Random(7).ints(PROMPT, 0, VOCAB).toArray();
    BackendOptions options = Gpu.options(2, RING, 512, 64, 200_000_000L);
    int[] reference = new int[STEPS];
    try (Backend cpu =
        new CpuBackendProvider()
            .open(new BackendRequest(config, DummyWeights.of(config, 4), options))) {
      PagedLanes lanes = new PagedLanes(cpu);
      lanes.start(0, prompt, SamplingParams.greedy(STEPS), 0, RING);
      reference[0] = lanes.prefill(0, prompt, 33);
      int rows = PROMPT;
      for (int step = 1; step < STEPS; step++) {
        lanes.reserve(0, ++rows);
        reference[step] = cpu.decode(new int[] {0}).await()[0];
        rows = compress(cpu, lanes, 0, step, rows);
      }
    }
    try (CudaBackend cuda = Gpu.open(config, DummyWeights.of(config, 4), options)) {
      PagedLanes lanes = new PagedLanes(cuda);
      lanes.start(1, prompt, SamplingParams.greedy(STEPS), 0, RING);
      lanes.prefill(1, prompt, 64);
      checkChoice(cuda, reference[0], "after the prompt");
      int rows = PROMPT;
      for (int step = 1; step < STEPS; step++) {
        lanes.reserve(1, ++rows);
        cuda.session().lanes().force(LaneState.Field.TOKEN_ID, 1, reference[step - 1]);
        cuda.decode(new int[] {1});
        checkChoice(cuda, reference[step], "step " + step);
        rows = compress(cuda, lanes, 1, step, rows);
      }
    }
  }

  private static int compress(Backend backend, PagedLanes lanes, int lane, int step, int rows) {
    if (step != COMPRESS_AFTER) {
      return rows;
    }
    RowPlan plan = new RowPlan(PROMPT, COMPRESS_AFTER - RING, 20, RING);
    SelectorAttention rule =
        new SelectorAttention(Collections.nCopies(RING, 1f), HeadAggregation.ALL, 3);
    backend.compress(List.of(new LaneCompression(lane, plan, rule)));
    lanes.release(lane, plan.rowsAfter());
    return plan.rowsAfter();
  }

  private static void checkChoice(CudaBackend cuda, int choice, String where) {
    float[] logits = Gpu.floats(cuda.session(), cuda.session().transformer().logits(), VOCAB);
    double highest = Double.NEGATIVE_INFINITY;
    double sum = 0;
    double squares = 0;
    for (float logit : logits) {
      assertThat(logit).as(where).isFinite();
      highest = Math.max(highest, logit);
      sum += logit;
      squares += (double) logit * logit;
    }
    double mean = sum / VOCAB;
    double deviation = Math.sqrt(squares / VOCAB - mean * mean);
    assertThat((highest - logits[choice]) / deviation)
        .as("shortfall of the CPU's choice, %s", where)
        .isLessThan(MOST_SHORTFALL);
  }
}
