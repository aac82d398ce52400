package io.tracemill.job.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tracemill.udf.grade.WilsonInterval;
import org.junit.jupiter.api.Test;

class TestClusteredShare {
  @Test
  void oneSampleAProblemIsWilsonsInterval() {
    ClusteredShare share = ClusteredShare.of(200, 200, 0.8, 0.401);
    WilsonInterval wilson = WilsonInterval.of(160, 200, 0.95);
    assertThat(share.value()).isEqualTo(0.8);
    assertThat(share.low()).isCloseTo(wilson.low(), within(1e-12));
    assertThat(share.high()).isCloseTo(wilson.high(), within(1e-12));
  }

  @Test
  void samplesThatAlwaysAgreeAreNoMoreThanTheirProblems() {
    // 50 problems, half right in all four samples: deviation as with one sample each.
    ClusteredShare share = ClusteredShare.of(50, 200, 0.5, Math.sqrt(0.25 * 50 / 49));
    assertThat(share.low()).isCloseTo(WilsonInterval.of(25, 50, 0.95).low(), within(1e-12));
  }

  @Test
  void samplesThatAreIndependentCountEach() {
    // Four fair coins a problem: the shares vary by 0.25 / 4.
    ClusteredShare share = ClusteredShare.of(50, 200, 0.5, 0.25);
    assertThat(share.low()).isCloseTo(WilsonInterval.of(100, 200, 0.95).low(), within(1e-12));
    // More regular than chance is not more than independent.
    assertThat(ClusteredShare.of(50, 200, 0.5, 0.01)).isEqualTo(share);
  }

  @Test
  void allRightHasAnUpperEndOfOneAndALowerBelow() {
    ClusteredShare share = ClusteredShare.of(30, 120, 1, 0);
    assertThat(share.high()).isEqualTo(1, within(1e-12));
    assertThat(share.low()).isBetween(0.88, 0.89);
  }
}
