package io.tracemill.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

/** Values computed by a separate Python program in double precision. */
final class TestRopeFrequencies {
  private static final Percentage ROUNDING = Percentage.withPercentage(1e-5);

  @Test
  void unscaledFrequenciesAreTheRoundedPowers() {
    RopeFrequencies rope = RopeFrequencies.of(new RopeConfig(10_000, new RopeScaling.None()), 64);
    assertThat(rope.numPairs()).isEqualTo(32);
    assertThat(rope.attentionFactor()).isEqualTo(1);
    assertThat(rope.inverseFrequency(0)).isEqualTo(1);
    assertThat(rope.inverseFrequency(1)).isEqualTo((float) 0.7498942093324558);
    assertThat(rope.inverseFrequency(16)).isEqualTo(0.01f);
    assertThat(rope.inverseFrequency(31)).isEqualTo((float) 0.00013335214321633237);
  }

  @Test
  void linearDividesAll() {
    RopeFrequencies rope =
        RopeFrequencies.of(new RopeConfig(10_000, new RopeScaling.Linear(4)), 64);
    assertThat(rope.inverseFrequency(0)).isEqualTo(0.25f);
    assertThat(rope.inverseFrequency(16)).isEqualTo(0.0025f);
  }

  @Test
  void llama3KeepsShortAndStretchesLongWaves() {
    RopeFrequencies rope =
        RopeFrequencies.of(new RopeConfig(500_000, new RopeScaling.Llama3(8, 1, 4, 8192)), 128);
    check(rope, 0, 1.0);
    check(rope, 20, 0.016560440080994443);
    check(rope, 28, 0.0032114459947525913);
    check(rope, 29, 0.00216657076350336);
    check(rope, 30, 0.001371893567761139);
    check(rope, 33, 0.00031269375038406533);
    check(rope, 36, 7.784655273932453e-05);
    check(rope, 40, 3.4281021959525906e-05);
    check(rope, 63, 3.0689259889145127e-07);
  }

  @Test
  void yarnMixesBetweenItsTwoCorrections() {
    RopeScaling yarn = new RopeScaling.Yarn(4, 32, 1, 1.138629436111989, 32768, true);
    RopeFrequencies rope = RopeFrequencies.of(new RopeConfig(1_000_000, yarn), 128);
    assertThat(rope.attentionFactor()).isEqualTo(1.138629436111989f);
    check(rope, 0, 1.0);
    check(rope, 23, 0.006978305848598664);
    check(rope, 24, 0.005375321490790103);
    check(rope, 30, 0.001064360981247002);
    check(rope, 36, 0.00017984115587395423);
    check(rope, 39, 6.490394320837025e-05);
    check(rope, 40, 4.445698525097308e-05);
    check(rope, 63, 3.102344401879298e-07);
  }

  private static void check(RopeFrequencies rope, int pair, double expected) {
    assertThat((double) rope.inverseFrequency(pair))
        .as("pair %d", pair)
        .isCloseTo(expected, ROUNDING);
  }
}
