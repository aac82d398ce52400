package io.tracemill.job.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class TestHolm {
  private static final Offset<Double> CLOSE = within(1e-12);

  @Test
  void theSmallestCountsOftenestAndNoneFallsBelowTheOneBefore() {
    // Sorted: 0.005 x 4, 0.01 x 3, 0.03 x 2, 0.04 x 1 is below its neighbour's 0.06.
    List<Double> corrected = Holm.corrected(List.of(0.01, 0.04, 0.03, 0.005));
    assertThat(corrected.get(0)).isCloseTo(0.03, CLOSE);
    assertThat(corrected.get(1)).isCloseTo(0.06, CLOSE);
    assertThat(corrected.get(2)).isCloseTo(0.06, CLOSE);
    assertThat(corrected.get(3)).isCloseTo(0.02, CLOSE);
  }

  @Test
  void oneTestStaysAsItIsAndNothingExceedsOne() {
    assertThat(Holm.corrected(List.of(0.2))).containsExactly(0.2);
    assertThat(Holm.corrected(List.of(0.6, 0.7))).containsExactly(1.0, 1.0);
    assertThat(Holm.corrected(List.of())).isEmpty();
  }
}
