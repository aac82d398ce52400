package io.tracemill.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.backend.BackendProvider;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfig.Architecture;
import io.tracemill.engine.model.RopeScaling;
import io.tracemill.engine.weights.DummyWeights;
import io.tracemill.engine.weights.ElementType;
import io.tracemill.engine.weights.TinyCheckpoints;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class TestCpuBackend {
  private static final ModelConfig TINY =
      TinyCheckpoints.config(Architecture.QWEN3, new RopeScaling.None());
  private static final int WINDOW = 4;
  private static final int INTERVAL = 16;

  private final long seed = Seeds.seed();

  @Test
  void theServiceLoaderFindsIt() {
    List<BackendProvider> providers = new ArrayList<>();
    ServiceLoader.load(BackendProvider.class).forEach(providers::add);
    assertThat(providers).anyMatch(p -> p.name().equals("cpu") && p.preference() == 0);
    assertThat(new CpuBackendProvider().usability().usable()).isTrue();
    assertThat(new CpuBackendProvider().usability().detail()).contains("vectors");
  }

  @Test
  void infoNamesWhatWasAllocated() {
    try (Backend backend = open(options(3, WINDOW, 2, KvElement.BF16), KernelChoice.kernels())) {
      assertThat(backend.info().weightElement()).isEqualTo("bf16");
      assertThat(backend.info().kvLayout().bytesPerElement()).isEqualTo(2);
      assertThat(backend.info().stepsInFlight()).isEqualTo(1);
      assertThat(backend.info().readsWeightsInPlace()).isFalse();
      assertThat(backend.info().memoryBytes())
          .containsOnlyKeys(
              "weights", "kv pages", "query rings", "activations", "logits", "workers");
      assertThat(backend.info().memoryBytes().values()).allMatch(bytes -> bytes > 0);
      // Three lanes of 200 rows can use 12 pages, whatever memory there is.
      assertThat(backend.info().numPages()).isEqualTo(12);
    }
  }

  /**
   * Six sequences, sampled and compressed, whose tokens and logits must not depend on anything but
   * themselves.
   */
  @Test
  void resultsDoNotDependOnBatchThreadsChunksOrKernels() {
    for (KvElement element : new KvElement[] {KvElement.FLOAT32, KvElement.BF16}) {
      List<Trace> alone = runAlone(options(1, WINDOW, 1, element), KernelChoice.kernels(), 200);
      for (int threads : new int[] {1, 2, 3}) {
        for (int chunk : new int[] {1, 7, 64}) {
          BackendOptions options = options(6, WINDOW, threads, element);
          assertThat(runTogether(options, KernelChoice.kernels(), chunk))
              .as("%s, %d threads, chunks of %d, seed %d", element, threads, chunk, seed)
              .isEqualTo(alone);
        }
      }
      assertThat(runTogether(options(6, WINDOW, 2, element), new ScalarKernels(), 9))
          .as("scalar twin")
          .isEqualTo(alone);
      List<Integer> lengths = alone.stream().map(trace -> trace.tokens().size()).toList();
      assertThat(lengths).containsOnly(50);
    }
  }

  /**
   * What one sequence produced; the last logits and the score cuts as bits, so equality is exact.
   */
  private record Trace(List<Integer> tokens, List<Float> lastLogits, List<Float> cuts) {}

  private List<Trace> runAlone(BackendOptions options, CpuKernels kernels, int chunk) {
    List<Trace> traces = new ArrayList<>();
    try (CpuBackend backend = open(options, kernels)) {
      for (int i = 0; i < 6; i++) {
        traces.addAll(run(backend, List.of(i), chunk));
      }
    }
    return traces;
  }

  private List<Trace> runTogether(BackendOptions options, CpuKernels kernels, int chunk) {
    try (CpuBackend backend = open(options, kernels)) {
      return run(backend, List.of(0, 1, 2, 3, 4, 5), chunk);
    }
  }

  /** Runs sequences side by side; sequence i starts i steps late, so that phases differ. */
  private List<Trace> run(CpuBackend backend, List<Integer> sequences, int chunk) {
    LaneDriver driver = new LaneDriver(backend);
    List<List<Integer>> tokens = new ArrayList<>();
    List<List<Float>> logits = new ArrayList<>();
    List<List<Float>> cuts = new ArrayList<>();
    int[] rows = new int[sequences.size()];
    int[] compressions = new int[sequences.size()];
    while (tokens.size() < sequences.size()) {
      tokens.add(new ArrayList<>());
      logits.add(List.of());
      cuts.add(new ArrayList<>());
    }
    for (int step = 0; tokens.stream().anyMatch(t -> t.size() < 50); step++) {
      List<Integer> batch = new ArrayList<>();
      for (int lane = 0; lane < rows.length; lane++) {
        int sequence = sequences.get(lane);
        if (step == sequence) {
          int[] prompt = prompt(sequence);
          driver.start(lane, prompt, sampling(sequence), seed + sequence, WINDOW);
          tokens.get(lane).add(driver.prefill(lane, prompt, chunk));
          rows[lane] = prompt.length;
        } else if (step > sequence && tokens.get(lane).size() < 50) {
          driver.reserve(lane, rows[lane] + 1);
          batch.add(lane);
        }
      }
      if (batch.isEmpty()) {
        continue;
      }
      int[] lanes = batch.stream().mapToInt(Integer::intValue).toArray();
      int[] sampled = backend.decode(lanes).await();
      List<LaneCompression> due = new ArrayList<>();
      for (int i = 0; i < lanes.length; i++) {
        int lane = lanes[i];
        tokens.get(lane).add(sampled[i]);
        logits.set(lane, floats(backend.logits(i)));
        rows[lane]++;
        int decoded = tokens.get(lane).size() - 1;
        if (decoded == (compressions[lane] + 1) * INTERVAL + WINDOW) {
          due.add(compression(lane, sequences.get(lane), ++compressions[lane]));
        }
      }
      float[] scoreCuts = backend.compress(due).scoreCuts();
      for (int i = 0; i < due.size(); i++) {
        int lane = due.get(i).lane();
        cuts.get(lane).add(scoreCuts[i]);
        rows[lane] = due.get(i).plan().rowsAfter();
        driver.release(lane, rows[lane]);
      }
    }
    List<Trace> traces = new ArrayList<>();
    for (int lane = 0; lane < rows.length; lane++) {
      driver.end(lane);
      traces.add(new Trace(tokens.get(lane), logits.get(lane), cuts.get(lane)));
      assertThat(cuts.get(lane)).hasSize(2);
    }
    return traces;
  }

  private int[] prompt(int sequence) {
    int length = new int[] {1, 63, 64, 65, 20, 130}[sequence];
    return new Random(seed + sequence).ints(length, 0, TINY.vocabSize()).toArray();
  }

  private static SamplingParams sampling(int sequence) {
    return sequence % 2 == 0
        ? SamplingParams.greedy(50)
        : new SamplingParams(0.9f, 30, 0.95f, 0, 1.1f, 50, List.of(), 0);
  }

  private LaneCompression compression(int lane, int sequence, int number) {
    RowPlan plan =
        new RowPlan(prompt(sequence).length, (number - 1) * 4 + INTERVAL, number * 4, WINDOW);
    HeadAggregation aggregation = sequence < 3 ? HeadAggregation.ALL : HeadAggregation.GROUP;
    return new LaneCompression(
        lane,
        plan,
        new ScoreRule.SelectorAttention(Collections.nCopies(WINDOW - 1, 1f), aggregation, 3));
  }

  private static List<Float> floats(float[] values) {
    List<Float> list = new ArrayList<>();
    for (float value : values) {
      list.add(value);
    }
    return list;
  }

  @Test
  void aCompressionWithoutCandidatesLeftOverMovesNothing() {
    try (CpuBackend backend =
        open(options(1, WINDOW, 1, KvElement.FLOAT32), KernelChoice.kernels())) {
      LaneDriver driver = new LaneDriver(backend);
      List<float[]> logits = new ArrayList<>();
      for (boolean compress : new boolean[] {false, true}) {
        int[] prompt = prompt(4);
        driver.start(0, prompt, SamplingParams.greedy(60), 0, WINDOW);
        driver.prefill(0, prompt, 64);
        for (int k = 1; k <= 30; k++) {
          driver.reserve(0, prompt.length + k);
          driver.decode(0);
          if (k == 20 && compress) {
            RowPlan plan = new RowPlan(prompt.length, 16, 16, 4);
            backend.compress(
                List.of(
                    new LaneCompression(
                        0,
                        plan,
                        new ScoreRule.SelectorAttention(
                            List.of(1f, 1f), HeadAggregation.GROUP, 7))));
          }
        }
        logits.add(backend.logits(0));
        driver.end(0);
      }
      assertThat(logits.get(1)).isEqualTo(logits.get(0));
    }
  }

  @Test
  void oneStepAllocatesNothingThatGrowsWithTheVocabulary() {
    int vocabSize = 50_000;
    ModelConfig wide =
        new ModelConfig(
            Architecture.LLAMA,
            1,
            32,
            32,
            2,
            2,
            16,
            vocabSize,
            1e-5f,
            TINY.rope(),
            512,
            true,
            false,
            false);
    BackendOptions options = options(4, 0, 1, KvElement.FLOAT32);
    try (CpuBackend backend =
        CpuBackendProvider.open(
            new BackendRequest(wide, DummyWeights.of(wide, 1), options),
            // The vector form allocates until it is compiled; its twin does the same work.
            new ScalarKernels())) {
      LaneDriver driver = new LaneDriver(backend);
      int[] lanes = {0, 1, 2, 3};
      for (int lane : lanes) {
        SamplingParams sampling = new SamplingParams(1, 50, 0.9f, 0.01f, 1.2f, 100, List.of(), 0);
        driver.start(lane, new int[] {lane}, sampling, lane, 0);
        driver.prefill(lane, new int[] {lane}, 64);
        driver.reserve(lane, 64);
      }
      com.sun.management.ThreadMXBean threads =
          (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
      for (int i = 0; i < 5; i++) {
        backend.decode(lanes).await();
      }
      long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
      for (int i = 0; i < 10; i++) {
        backend.decode(lanes).await();
      }
      long perStep =
          (threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before) / 10;
      // Token arrays and one small array per part of a scalar product; one lane's logits are 200
      // KB.
      assertThat(perStep).isLessThan(10_000);
    }
  }

  @Test
  void misuseIsNamed() {
    try (CpuBackend backend = open(options(2, 2, 1, KvElement.FLOAT32), KernelChoice.kernels())) {
      int[] prompt = {1, 2, 3};
      assertThatThrownBy(() -> backend.decode(new int[] {0}))
          .hasMessageContaining("lane 0 holds no sequence");
      assertThatThrownBy(() -> backend.startLane(start(2, prompt, 0)))
          .hasMessageContaining("lane 2 is not in [0, 2)");
      assertThatThrownBy(() -> backend.startLane(start(0, prompt, 3)))
          .hasMessageContaining("query ring of 3, but the backend was opened for 2");
      assertThatThrownBy(() -> backend.startLane(start(0, new int[] {67}, 0)))
          .isInstanceOf(ReasoningException.class)
          .hasMessageContaining("Token id 67 of lane 0 is outside the model's vocabulary of 67");
      backend.startLane(start(0, prompt, 2));
      assertThatThrownBy(() -> backend.startLane(start(0, prompt, 2)))
          .hasMessageContaining("lane 0 is taken");
      assertThatThrownBy(() -> backend.decode(new int[] {0}))
          .hasMessageContaining("before its prompt is complete");
      assertThatThrownBy(() -> backend.prefill(List.of(new PrefillChunk(0, 0, prompt, true))))
          .hasMessageContaining("entry 0 of its page table is not mapped");
      assertThatThrownBy(() -> backend.mapPages(0, 0, new int[] {8}))
          .hasMessageContaining("page 8 is not in [0, 8)");
      backend.mapPages(0, 0, new int[] {5});
      assertThatThrownBy(() -> backend.prefill(List.of(new PrefillChunk(0, 1, prompt, true))))
          .hasMessageContaining("cannot take prompt tokens from position 1");
      backend.prefill(List.of(new PrefillChunk(0, 0, prompt, true)));
      assertThatThrownBy(() -> backend.prefill(List.of(new PrefillChunk(0, 3, prompt, true))))
          .hasMessageContaining("its prompt is complete");
      assertThatThrownBy(() -> backend.decode(new int[] {0, 0}))
          .hasMessageContaining("twice in one batch");
      ScoreRule rule = new ScoreRule.SelectorAttention(List.of(1f, 1f), HeadAggregation.ALL, 1);
      assertThatThrownBy(
              () ->
                  backend.compress(List.of(new LaneCompression(0, new RowPlan(1, 1, 1, 0), rule))))
          .hasMessageContaining("starts from 2 rows, but it holds 3");
      backend.decode(new int[] {0});
      assertThatThrownBy(
              () ->
                  backend.compress(List.of(new LaneCompression(0, new RowPlan(3, 1, 1, 0), rule))))
          .hasMessageContaining("asks for 2 queries; its ring of 2 has seen 1 steps");
      backend.endLane(0);
      assertThatThrownBy(() -> backend.endLane(0)).hasMessageContaining("holds no sequence");
    }
  }

  @Test
  void aFailedCallLeavesTheLaneAsItWas() {
    try (CpuBackend backend = open(options(1, 0, 1, KvElement.FLOAT32), KernelChoice.kernels())) {
      LaneDriver driver = new LaneDriver(backend);
      int[] prompt = prompt(2);
      driver.start(0, prompt, SamplingParams.greedy(9), 0, 0);
      driver.prefill(0, prompt, 64);
      assertThatThrownBy(() -> driver.decode(0)).hasMessageContaining("is not mapped");
      driver.reserve(0, prompt.length + 1);
      int token = driver.decode(0);
      driver.end(0);
      driver.start(0, prompt, SamplingParams.greedy(9), 0, 0);
      driver.prefill(0, prompt, 64);
      driver.reserve(0, prompt.length + 1);
      assertThat(driver.decode(0)).isEqualTo(token);
    }
  }

  @Test
  void closingTwiceIsAllowedAndEndsUse() {
    CpuBackend backend = open(options(1, 0, 2, KvElement.FLOAT32), KernelChoice.kernels());
    backend.close();
    backend.close();
    assertThatThrownBy(() -> backend.startLane(start(0, new int[] {1}, 0)))
        .hasMessageContaining("is closed");
  }

  @Test
  void memoryThatIsNotThereIsNamedWithFigures() {
    BackendOptions tooMuch =
        new BackendOptions(
            1000,
            0,
            100_000,
            16,
            OptionalLong.of(1L << 40),
            0.5,
            KvElement.FLOAT32,
            OptionalInt.of(1),
            OptionalInt.empty());
    assertThatThrownBy(() -> open(tooMuch, KernelChoice.kernels()))
        .isInstanceOf(ReasoningException.class)
        .hasMessageContaining("A KV cache of 1099511.6 MB was asked for")
        .extracting(e -> ((ReasoningException) e).code())
        .isEqualTo(ErrorCode.OUT_OF_MEMORY);
    BackendOptions tooLittle =
        new BackendOptions(
            1,
            0,
            100,
            16,
            OptionalLong.of(1000),
            0.5,
            KvElement.FLOAT32,
            OptionalInt.of(1),
            OptionalInt.empty());
    assertThatThrownBy(() -> open(tooLittle, KernelChoice.kernels()))
        .hasMessageContaining("A KV cache of 1.0 kB holds no page of 49.2 kB")
        .extracting(e -> ((ReasoningException) e).code())
        .isEqualTo(ErrorCode.KV_CACHE_TOO_SMALL);
    ModelConfig huge =
        new ModelConfig(
            Architecture.QWEN2,
            80,
            8192,
            30_000,
            64,
            8,
            128,
            150_000,
            1e-6f,
            TINY.rope(),
            512,
            false,
            true,
            false);
    BackendOptions options = options(1, 0, 1, KvElement.FLOAT32);
    assertThatThrownBy(
            () ->
                CpuBackendProvider.open(
                    new BackendRequest(huge, DummyWeights.of(huge, 1), options),
                    KernelChoice.kernels()))
        .isInstanceOf(ReasoningException.class)
        .hasMessageContaining("needs 14")
        .hasMessageContaining("raise -Xmx")
        .extracting(e -> ((ReasoningException) e).code())
        .isEqualTo(ErrorCode.OUT_OF_MEMORY);
  }

  private static LaneStart start(int lane, int[] prompt, int ring) {
    return new LaneStart(lane, SamplingParams.greedy(5), 0, prompt, ring);
  }

  private static BackendOptions options(int lanes, int ring, int threads, KvElement element) {
    return new BackendOptions(
        lanes,
        ring,
        200,
        16,
        OptionalLong.of(8_000_000),
        0.5,
        element,
        OptionalInt.of(threads),
        OptionalInt.empty());
  }

  private static CpuBackend open(BackendOptions options, CpuKernels kernels) {
    return CpuBackendProvider.open(
        new BackendRequest(
            TINY,
            TinyCheckpoints.weights(TINY, TinyCheckpoints.tensors(TINY, 11), ElementType.BF16),
            options),
        kernels);
  }
}
