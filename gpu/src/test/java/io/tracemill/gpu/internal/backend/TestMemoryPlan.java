package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.kvcache.KvLayout;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class TestMemoryPlan {
  private static final KvLayout LAYOUT_7B = new KvLayout(28, 4, 128, 2);
  private static final long ITEM_BYTES = 14_624;

  @Test
  void whatIsFreeIsUsedToThePageAndNoFurther() {
    long free = 66_000_000_000L;
    MemoryPlan plan =
        MemoryPlan.of(
            options(256, 32_896, OptionalLong.empty(), 0.95), LAYOUT_7B, ITEM_BYTES, free, "");
    assertThat(LAYOUT_7B.pageBytes()).isEqualTo(3_670_016);
    long budget = (long) (0.95 * (free - MemoryPlan.RESERVE_BYTES));
    long used = plan.numPages() * LAYOUT_7B.pageBytes() + plan.attentionItems() * ITEM_BYTES;
    assertThat(used).isBetween(budget - 2 * LAYOUT_7B.pageBytes(), budget);
    assertThat(plan.numPages()).isBetween(16_500, 17_000);
  }

  @Test
  void aChosenSizeIsTakenAsItIs() {
    MemoryPlan plan =
        MemoryPlan.of(
            options(4, 640, OptionalLong.of(40 * LAYOUT_7B.pageBytes() + 5), 0.5),
            LAYOUT_7B,
            ITEM_BYTES,
            1L << 40,
            "");
    assertThat(plan).isEqualTo(new MemoryPlan(40, 14));
  }

  @Test
  void noMorePagesThanAllLanesCanUse() {
    MemoryPlan plan =
        MemoryPlan.of(options(3, 65, OptionalLong.empty(), 1), LAYOUT_7B, ITEM_BYTES, 1L << 40, "");
    assertThat(plan.numPages()).isEqualTo(6);
  }

  @Test
  void aPoolBelowOneSequenceIsRefusedWithTheNumbers() {
    assertThatThrownBy(
            () ->
                MemoryPlan.of(
                    options(1, 6_400, OptionalLong.empty(), 1),
                    LAYOUT_7B,
                    ITEM_BYTES,
                    MemoryPlan.RESERVE_BYTES + 10 * LAYOUT_7B.pageBytes(),
                    "weights 15.20 GB"))
        .isInstanceOfSatisfying(
            ReasoningException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.KV_CACHE_TOO_SMALL))
        .hasMessage(
            "The KV cache would have 9 pages of 3.7 MB, but one sequence of the longest allowed"
                + " length needs 100; in use: weights 15.20 GB; raise the KV memory fraction, lower"
                + " the context length or the slots, or use a larger GPU.");
  }

  private static BackendOptions options(
      int lanes, int maxRows, OptionalLong kvBytes, double fraction) {
    return new BackendOptions(
        lanes,
        32,
        maxRows,
        2048,
        kvBytes,
        fraction,
        BackendOptions.KvElement.BACKEND_DEFAULT,
        OptionalInt.empty(),
        OptionalInt.empty());
  }
}
