package io.tracemill.udf.grade;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TestEstimators {
  @Test
  void passAtKIsTheShareOfSubsetsWithACorrectSample() {
    for (int n = 1; n <= 10; n++) {
      for (int correct = 0; correct <= n; correct++) {
        for (int k = 1; k <= n; k++) {
          int good = 0;
          int all = 0;
          for (int subset = 0; subset < 1 << n; subset++) {
            if (Integer.bitCount(subset) == k) {
              all++;
              good += (subset & ((1 << correct) - 1)) != 0 ? 1 : 0;
            }
          }
          assertThat(Estimators.passAtK(n, correct, k).orElseThrow())
              .isCloseTo((double) good / all, within(1e-12));
        }
      }
    }
  }

  @Test
  void passAtKOfManySamplesStaysAProbability() {
    assertThat(Estimators.passAtK(100_000, 1, 50_000).orElseThrow()).isCloseTo(0.5, within(1e-9));
    assertThat(Estimators.passAtK(10, 0, 10)).contains(0.0);
    assertThat(Estimators.passAtK(10, 10, 1)).contains(1.0);
    assertThat(Estimators.passAtK(3, 1, 4)).isEmpty();
    assertThat(Estimators.passAtK(3, 1, 0)).isEmpty();
  }

  /** The mean over all subsets of the chance that a drawn most-frequent answer is right. */
  private static double majorityByEnumeration(List<Integer> samples, int k) {
    double chance = 0;
    int all = 0;
    for (int subset = 0; subset < 1 << samples.size(); subset++) {
      if (Integer.bitCount(subset) == k) {
        all++;
        Map<Integer, Integer> votes = new HashMap<>();
        for (int i = 0; i < samples.size(); i++) {
          if ((subset >> i & 1) == 1 && samples.get(i) >= 0) {
            votes.merge(samples.get(i), 1, Integer::sum);
          }
        }
        int most = votes.values().stream().mapToInt(Integer::intValue).max().orElse(0);
        long leaders = votes.values().stream().filter(v -> v == most).count();
        chance += votes.getOrDefault(0, 0) == most && most > 0 ? 1.0 / leaders : 0;
      }
    }
    return chance / all;
  }

  @Test
  void majAtKIsTheMeanOverAllSubsets() {
    int[][] cases = {
      {1, 0},
      {3, 2},
      {2, 2, 2},
      {4, 3, 1, 1},
      {1, 1, 1, 1, 1},
      {0, 3, 2},
      {5, 5},
      {2, 6},
      {3, 1, 1, 4},
      {7}
    };
    for (int[] votes : cases) {
      for (int abstentions = 0; abstentions <= 3; abstentions++) {
        List<Integer> samples = new ArrayList<>();
        List<Integer> others = new ArrayList<>();
        for (int answer = 0; answer < votes.length; answer++) {
          for (int i = 0; i < votes[answer]; i++) {
            samples.add(answer);
          }
          if (answer > 0 && votes[answer] > 0) {
            others.add(votes[answer]);
          }
        }
        for (int i = 0; i < abstentions; i++) {
          samples.add(-1);
        }
        for (int k = 1; k <= samples.size(); k++) {
          assertThat(Estimators.majAtK(votes[0], others, abstentions, k).orElseThrow())
              .as("%s, %d abstentions, k %d", others, abstentions, k)
              .isCloseTo(majorityByEnumeration(samples, k), within(1e-12));
        }
      }
    }
  }

  @Test
  void majAtKOfManySamplesStaysAProbability() {
    double chance = Estimators.majAtK(300, List.of(250, 200, 100), 150, 501).orElseThrow();
    assertThat(chance).isBetween(0.9, 1.0);
    assertThat(Estimators.majAtK(1, List.of(), 0, 2)).isEmpty();
    assertThat(Estimators.majAtK(0, List.of(4), 0, 2)).contains(0.0);
  }

  @Test
  void wilsonIntervalsAreThoseOfTheTables() {
    // The quantile is 1.959963984540054 (published tables).
    assertThat(WilsonInterval.normalQuantile(0.975)).isCloseTo(1.959963984540054, within(1e-12));
    WilsonInterval eightOfTen = WilsonInterval.of(8, 10, 0.95);
    assertThat(eightOfTen.low()).isCloseTo(0.490162, within(1e-6));
    assertThat(eightOfTen.high()).isCloseTo(0.943318, within(1e-6));
    assertThat(WilsonInterval.of(0, 5, 0.95).low()).isZero();
    assertThat(WilsonInterval.of(5, 5, 0.95).high()).isEqualTo(1);
    assertThatThrownBy(() -> WilsonInterval.of(2, 1, 0.95)).hasMessage("2 successes of 1 trials");
    assertThatThrownBy(() -> WilsonInterval.of(1, 2, 1))
        .hasMessage("a confidence of 1.0 is not in (0, 1)");
  }

  @Test
  void wilsonIntervalsCoverTheirShare() {
    // The chance over binomial draws that the interval holds the true share, exactly summed.
    for (double share : new double[] {0.1, 0.5, 0.77, 0.95}) {
      int n = 200;
      double covered = 0;
      double probability = Math.pow(1 - share, n);
      for (int x = 0; x <= n; x++) {
        WilsonInterval interval = WilsonInterval.of(x, n, 0.95);
        covered += interval.low() <= share && share <= interval.high() ? probability : 0;
        probability *= (double) (n - x) / (x + 1) * share / (1 - share);
      }
      assertThat(covered).as("share %s", share).isBetween(0.93, 0.97);
    }
  }
}
