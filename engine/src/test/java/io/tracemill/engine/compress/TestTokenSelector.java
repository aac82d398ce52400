package io.tracemill.engine.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class TestTokenSelector {
  @Test
  void poolsWithZerosOutsideAndAConstantDivisor() {
    float[] pooled = new float[4];
    TokenSelector.pool(new float[] {1, 2, 3, 4}, 4, 3, pooled);
    assertThat(pooled).containsExactly(1f, 2f, 3f, 7f / 3);
    TokenSelector.pool(new float[] {1, 2, 3, 4}, 4, 7, pooled);
    assertThat(pooled).containsExactly(10f / 7, 10f / 7, 10f / 7, 10f / 7);
    TokenSelector.pool(new float[] {1, 2, 3, 4}, 2, 1, pooled);
    assertThat(pooled).startsWith(1f, 2f);
  }

  @Test
  void theWorkedScoresKeepWhatTheyShould() {
    float[] scores = {0.4295f, 0.1062f, 0.3014f, 0.1184f, 0.1311f, 0.1062f, 0.5570f, 0.2503f};
    assertThat(keep(scores, 1, 2)).containsExactly(0, 6);
    assertThat(keep(scores, 3, 2)).containsExactly(1, 6);
    assertThat(keep(scores, 7, 2)).containsExactly(3, 4);
  }

  @Test
  void lowerIndicesWinTies() {
    assertThat(keep(new float[] {1, 3, 2, 3, 3, 0}, 1, 2)).containsExactly(1, 3);
    assertThat(keep(new float[] {5, 5, 5, 5}, 1, 3)).containsExactly(0, 1, 2);
    assertThat(keep(new float[] {0f, -0f, -1}, 1, 1)).containsExactly(0);
    assertThat(keep(new float[] {-0f, 0f, -1}, 1, 1)).containsExactly(0);
    assertThat(keep(new float[] {1, 2}, 1, 0)).isEmpty();
    assertThat(keep(new float[] {1, 2}, 1, 2)).containsExactly(0, 1);
  }

  @Test
  void agreesWithSortingOnRandomScores() {
    long seed = Long.getLong("tests.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int round = 0; round < 500; round++) {
      int count = 1 + random.nextInt(300);
      int keep = random.nextInt(count + 1);
      float[] scores = new float[count];
      for (int i = 0; i < count; i++) {
        // A few different values, negative ones too, so that ties are common.
        scores[i] = (float) (random.nextInt(20) - 5) * (round % 2 == 0 ? 1 : 1e-30f);
      }
      int[] expected =
          IntStream.range(0, count)
              .boxed()
              .sorted(Comparator.comparingDouble((Integer i) -> -scores[i]).thenComparing(i -> i))
              .limit(keep)
              .mapToInt(i -> i)
              .sorted()
              .toArray();
      assertThat(keep(scores, 1, keep)).as("seed %d, round %d", seed, round).isEqualTo(expected);
    }
  }

  @Test
  void refusesImpossibleCounts() {
    assertThatThrownBy(() -> TokenSelector.select(new float[3], 3, 4, new int[4]))
        .hasMessageContaining("cannot keep 4 of 3");
    assertThatThrownBy(() -> TokenSelector.pool(new float[3], 3, 2, new float[3]))
        .hasMessageContaining("pooling kernel 2 is not odd");
  }

  private static int[] keep(float[] scores, int kernel, int keep) {
    float[] pooled = new float[scores.length];
    TokenSelector.pool(scores, scores.length, kernel, pooled);
    int[] retained = new int[keep + 1];
    retained[keep] = -7;
    TokenSelector.select(pooled, scores.length, keep, retained);
    assertThat(retained[keep]).as("canary").isEqualTo(-7);
    return Arrays.copyOf(retained, keep);
  }
}
