package io.tracemill.gpu.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.error.ReasoningException;
import io.tracemill.gpu.internal.device.CudaDriver.LaunchOrder;
import io.tracemill.gpu.internal.kernel.Tuning.Overlap;
import io.tracemill.gpu.internal.kernel.Tuning.ProductMemory;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TestTuning {

  @Test
  void everyKeyCanBeSetToAnotherValue() {
    Tuning standard = Tuning.of(Map.<String, String>of()::get);
    Tuning other =
        Tuning.of(
            Map.of(
                    "tracemill.gpu.overlap", "products",
                    "tracemill.gpu.overlap-rows", "16",
                    "tracemill.gpu.small-overlap-rows", "32",
                    "tracemill.gpu.product-memory", "all",
                    "tracemill.gpu.held-sampling-rows", "0",
                    "tracemill.gpu.narrow-prefill-rows", "64")
                ::get);
    assertThat(standard)
        .isEqualTo(new Tuning(Overlap.ALL, 128, 128, ProductMemory.NEEDED, 33, 128));
    assertThat(other).isEqualTo(new Tuning(Overlap.PRODUCTS, 16, 32, ProductMemory.ALL, 0, 64));
  }

  @Test
  void batchesUpToTheLimitOverlapAsFarAsIsSaid() {
    Tuning all = new Tuning(Overlap.ALL, 64, 128, ProductMemory.ALL, 33, 128);
    Tuning products = new Tuning(Overlap.PRODUCTS, 128, 128, ProductMemory.ALL, 33, 128);
    Tuning none = new Tuning(Overlap.NONE, 128, 128, ProductMemory.ALL, 33, 128);
    assertThat(all.smallOrder(128)).isEqualTo(LaunchOrder.OVERLAPPING);
    assertThat(all.smallOrder(129)).isEqualTo(LaunchOrder.SERIAL);
    assertThat(all.productOrder(64)).isEqualTo(LaunchOrder.OVERLAPPING);
    assertThat(all.productOrder(65)).isEqualTo(LaunchOrder.SERIAL);
    assertThat(products.smallOrder(1)).isEqualTo(LaunchOrder.SERIAL);
    assertThat(products.productOrder(1)).isEqualTo(LaunchOrder.OVERLAPPING);
    assertThat(none.productOrder(1)).isEqualTo(LaunchOrder.SERIAL);
  }

  @Test
  void aWrongValueIsOneSentence() {
    assertThatThrownBy(() -> Tuning.of(Map.of("tracemill.gpu.overlap", "some")::get))
        .isInstanceOf(ReasoningException.class)
        .hasMessage("tracemill.gpu.overlap is \"some\"; it can be none, products, all.");
    assertThatThrownBy(() -> Tuning.of(Map.of("tracemill.gpu.overlap-rows", "-1")::get))
        .isInstanceOf(ReasoningException.class)
        .hasMessage("tracemill.gpu.overlap-rows is \"-1\"; it has to be a number of rows.");
    assertThatThrownBy(() -> Tuning.of(Map.of("tracemill.gpu.narrow-prefill-rows", "129")::get))
        .isInstanceOf(ReasoningException.class)
        .hasMessage("tracemill.gpu.narrow-prefill-rows is 129; it can be at most 128.");
  }
}
