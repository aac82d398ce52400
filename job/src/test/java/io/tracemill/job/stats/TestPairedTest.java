package io.tracemill.job.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tracemill.job.stats.PairedTest.Method;
import org.junit.jupiter.api.Test;

class TestPairedTest {
  @Test
  void twelveLostAndNoneWonIsTwelveTimesTails() {
    PairedTest test = PairedTest.ofRows(40, 0, 12);
    assertThat(test.method()).isEqualTo(Method.MC_NEMAR_EXACT);
    assertThat(test.difference()).isEqualTo(-0.3);
    assertThat(test.pValue()).isCloseTo(2 * Math.pow(0.5, 12), within(1e-12));
    assertThat(test.low()).isLessThan(-0.3);
    assertThat(test.high()).isBetween(-0.3, 0.0);
  }

  @Test
  void asManyWonAsLostIsNoDifference() {
    PairedTest test = PairedTest.ofRows(100, 7, 7);
    assertThat(test.pValue()).isEqualTo(1);
    assertThat(test.difference()).isZero();
    assertThat(test.low()).isEqualTo(-test.high());
    assertThat(PairedTest.ofRows(100, 0, 0).pValue()).isEqualTo(1);
  }

  @Test
  void theIntervalIsWaldsWithHalfARowInEachCell() {
    // Cells 30.5, 5.5, 10.5, 5.5 of 52: share -5/52, variance (16/52 - (5/52)^2) / 52.
    PairedTest test = PairedTest.ofRows(50, 5, 10);
    double error = 1.959964 * Math.sqrt((16.0 / 52 - Math.pow(5.0 / 52, 2)) / 52);
    assertThat(test.low()).isCloseTo(-5.0 / 52 - error, within(1e-9));
    assertThat(test.high()).isCloseTo(-5.0 / 52 + error, within(1e-9));
  }

  @Test
  void severalSamplesOfARowCountAsOneObservation() {
    PairedTest test = PairedTest.ofClusters(100, -0.05, 0.25);
    assertThat(test.method()).isEqualTo(Method.CLUSTERED_BY_ROW);
    assertThat(test.pValue()).isCloseTo(0.0455, within(1e-4)); // z = 2
    assertThat(test.low()).isCloseTo(-0.099, within(1e-3));
    assertThat(PairedTest.ofClusters(1, 0.5, Double.NaN).pValue()).isEqualTo(1);
  }
}
