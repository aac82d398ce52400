package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.PendingTokens;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A fault that ends the context; it ends this process's use of the card, so it runs alone. */
@Tag("gpu-fatal")
@RequiresGpu
class TestCudaStickyError {

  @Test
  void anIllegalAccessMarksTheBackendDeadAndSaysWhy() {
    CudaBackend backend = Gpu.openDemo(1, 0, 64);
    PagedLanes lanes = new PagedLanes(backend);
    GoldenCase golden = GoldenCase.full().get(0);
    lanes.start(0, golden.prompt(), SamplingParams.greedy(8), 0, 0);
    lanes.reserve(0, 200);
    assertThat(lanes.prefill(0, golden.prompt(), 64)).isEqualTo(golden.ids()[0]);
    PendingTokens good = backend.decode(new int[] {0});
    assertThat(good.await()).containsExactly(golden.ids()[1]);

    // A page far outside the pool: the next step touches memory that is not ours.
    backend.session().lanes().setPage(0, 0, 1 << 28);
    PendingTokens bad = backend.decode(new int[] {0});
    assertThatThrownBy(bad::await)
        .isInstanceOfSatisfying(
            ReasoningException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.DEVICE_FAILED))
        .hasMessageStartingWith("The GPU failed while decoding 1 lanes: ")
        .hasMessageContaining("CUDA_ERROR_ILLEGAL_ADDRESS");
    assertThat(good.await()).containsExactly(golden.ids()[1]);
    assertThatThrownBy(() -> backend.decode(new int[] {0}))
        .isInstanceOf(ReasoningException.class)
        .hasMessageContaining("The GPU failed");
    assertThatThrownBy(() -> backend.decode(new int[] {0}))
        .isInstanceOfSatisfying(
            ReasoningException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ENGINE_DEAD));
    backend.close();
  }
}
