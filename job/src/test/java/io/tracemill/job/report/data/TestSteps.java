package io.tracemill.job.report.data;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TestSteps {
  @Test
  void binsAreRoundAndCoverTheLength() {
    assertThat(Steps.round(1, 40)).isEqualTo(1);
    assertThat(Steps.round(41, 40)).isEqualTo(2);
    assertThat(Steps.round(2_400, 40)).isEqualTo(100);
    assertThat(Steps.round(32_769, 40)).isEqualTo(1_000);
  }

  @Test
  void samplesMeetEveryCompressionWhateverTheLength() {
    for (long period : new long[] {1, 96, 512, 1000, 1024}) {
      for (long length = 1; length < 40_000; length = length * 3 + 1) {
        long width = Steps.dividing(length, 240, period);
        assertThat(width * 240).isGreaterThanOrEqualTo(length);
        boolean meets = period % width == 0 || width % period == 0;
        assertThat(meets).as("%d of %d every %d", width, length, period).isTrue();
      }
    }
  }
}
