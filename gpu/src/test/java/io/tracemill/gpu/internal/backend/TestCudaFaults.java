package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.PendingTokens;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfigReader;
import io.tracemill.engine.weights.CheckpointWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What goes wrong on a real card and leaves it usable. */
@Tag("gpu")
@RequiresGpu
class TestCudaFaults {

  @Test
  void aPoolThatDoesNotFitIsOneSentenceAndNothingStaysAllocated() {
    ModelConfig config = ModelConfigReader.read(Gpu.demoDirectory());
    try (CheckpointWeights weights = CheckpointWeights.open(Gpu.demoDirectory(), config)) {
      long before = freeBytesWhileOpen();
      assertThatThrownBy(
              () -> Gpu.open(config, weights, Gpu.options(256, 0, 262_144, 64, 1L << 42)))
          .isInstanceOfSatisfying(
              ReasoningException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.OUT_OF_MEMORY))
          .hasMessageStartingWith("The GPU has no room for the KV cache: ")
          .hasMessageContaining("requested")
          .hasMessageContaining("free");
      // More where another process gives memory back meanwhile.
      assertThat(freeBytesWhileOpen()).isGreaterThanOrEqualTo(before);
    }
  }

  @Test
  void wrongCallsAreRefusedAndHarmNothing() {
    try (CudaBackend backend = Gpu.openDemo(2, 0, 64)) {
      PagedLanes lanes = new PagedLanes(backend);
      int[] prompt = GoldenCase.full().get(0).prompt();
      lanes.start(0, prompt, SamplingParams.greedy(4), 0, 0);
      assertThatThrownBy(() -> lanes.start(0, prompt, SamplingParams.greedy(4), 0, 0))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("lane 0 is taken");
      assertThatThrownBy(() -> backend.decode(new int[] {0}))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the prompt of lane 0 is not complete");
      assertThatThrownBy(() -> backend.decode(new int[] {1}))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("lane 1 is free");
      assertThat(lanes.prefill(0, prompt, 64)).isEqualTo(GoldenCase.full().get(0).ids()[0]);
    }
  }

  @Test
  void closingWhileStepsRunWaitsForThem() {
    CudaBackend backend = Gpu.openDemo(4, 0, 256);
    PagedLanes lanes = new PagedLanes(backend);
    int[] prompt = GoldenCase.full().get(0).prompt();
    for (int lane = 0; lane < 4; lane++) {
      lanes.start(lane, prompt, SamplingParams.greedy(40), 0, 0);
      lanes.reserve(lane, prompt.length + 40);
      assertThat(backend.prefill(List.of(new PrefillChunk(lane, 0, prompt, true))).size())
          .isEqualTo(1);
    }
    PendingTokens last = null;
    for (int step = 0; step < 6; step++) {
      last = backend.decode(new int[] {0, 1, 2, 3});
    }
    assertThat(last.size()).isEqualTo(4);
    backend.close();
    backend.close();
    assertThat(backend.session().memory().openBuffers()).isZero();
    assertThatThrownBy(() -> backend.decode(new int[] {0}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("the CUDA backend is closed");
  }

  @Test
  void tokensOfManyStepsInFlightStayReadable() {
    int[] prompt = GoldenCase.full().get(0).prompt();
    int[] ids = GoldenCase.full().get(0).ids();
    try (CudaBackend backend = Gpu.openDemo(1, 0, 64)) {
      PagedLanes lanes = new PagedLanes(backend);
      lanes.start(0, prompt, SamplingParams.greedy(40), 0, 0);
      lanes.reserve(0, prompt.length + 40);
      assertThat(lanes.prefill(0, prompt, 64)).isEqualTo(ids[0]);
      List<PendingTokens> pending = new ArrayList<>();
      for (int step = 0; step < 20; step++) {
        pending.add(backend.decode(new int[] {0}));
      }
      int[] tokens = pending.stream().mapToInt(p -> p.await()[0]).toArray();
      assertThat(tokens).isEqualTo(Arrays.copyOfRange(ids, 1, 21));
    }
  }

  @Test
  void aLaneWhoseLogitsAreNotFiniteIsMarkedAndItsNeighboursGoOn() {
    GoldenCase golden = GoldenCase.full().get(0);
    int steps = 12;
    try (CudaBackend backend = Gpu.openDemo(3, 0, 64)) {
      PagedLanes lanes = new PagedLanes(backend);
      for (int lane = 0; lane < 3; lane++) {
        lanes.start(lane, golden.prompt(), SamplingParams.greedy(40), 0, 0);
        assertThat(lanes.prefill(lane, golden.prompt(), 64)).isEqualTo(golden.ids()[0]);
        lanes.reserve(lane, golden.prompt().length + 40);
      }
      // Every bit set is a NaN: keys and values of lane 1's first page in the first layer.
      CudaSession session = backend.session();
      long pageBytes = session.pool().layout().pageBytes() / session.pool().layout().numLayers();
      session
          .driver()
          .fill(
              session.pool().layerAddress(0) + session.lanes().page(1, 0) * pageBytes,
              (byte) 0xff,
              pageBytes,
              session.stream());
      for (int step = 1; step <= steps; step++) {
        assertThat(backend.decode(new int[] {0, 1, 2}).await())
            .as("step %d", step)
            .containsExactly(golden.ids()[step], -1, golden.ids()[step]);
      }
      // The lane and its page are good for the next row, whatever was in them.
      lanes.end(1);
      lanes.start(1, golden.prompt(), SamplingParams.greedy(40), 0, 0);
      assertThat(lanes.prefill(1, golden.prompt(), 64)).isEqualTo(golden.ids()[0]);
      lanes.reserve(1, golden.prompt().length + 40);
      assertThat(backend.decode(new int[] {1}).await()).containsExactly(golden.ids()[1]);
    }
  }

  private static long freeBytesWhileOpen() {
    try (CudaBackend probe = Gpu.openDemo(1, 0, 64)) {
      return probe.session().driver().memoryInfo().freeBytes();
    }
  }
}
