package io.tracemill.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.CounterRandom;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PendingTokens;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class TestCpuSampler {
  private static final int VOCAB = 300;

  private final long seed = Seeds.seed();

  @Test
  void greedyTakesTheHighestAndTheLowerIdBetweenEquals() {
    float[] logits = new float[VOCAB];
    logits[17] = 2;
    logits[200] = 2;
    assertThat(sample(logits, params(0, 0, 1, 0, 1), 0)).isEqualTo(17);
    Arrays.fill(logits, -3);
    assertThat(sample(logits, params(0, 0, 1, 0, 1), 0)).isZero();
  }

  @Test
  void logitsThatAreNotFiniteGiveNoToken() {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      float[] logits = new float[VOCAB];
      logits[5] = bad;
      assertThat(sample(logits, params(0, 0, 1, 0, 1), 0)).isEqualTo(PendingTokens.NO_TOKEN);
      assertThat(sample(logits, params(1, 5, 1, 0, 1.5f), 0)).isEqualTo(PendingTokens.NO_TOKEN);
    }
  }

  @Test
  void drawsAgreeWithASimpleSampler() {
    Random random = new Random(seed);
    float[][] grid = {
      {1, 0, 1, 0}, {0.6f, 0, 0.95f, 0}, {0.6f, 40, 0.95f, 0}, {2, 5, 1, 0}, {1, 0, 1, 0.05f},
      {0.8f, 0, 0.3f, 0}, {1, 20, 0.9f, 0.1f}, {1, 1, 1, 0}, {5, 0, 0.999f, 0}, {1, 299, 0.5f, 0},
    };
    for (int round = 0; round < 400; round++) {
      float[] f = grid[round % grid.length];
      SamplingParams params = params(f[0], (int) f[1], f[2], f[3], 1);
      float[] logits = new float[VOCAB];
      for (int i = 0; i < VOCAB; i++) {
        // Rounded, so that equal logits are common; far apart in some rounds.
        logits[i] = Math.round(4 * (round % 7 + 1) * random.nextGaussian()) / 4f;
      }
      int actual = sample(logits.clone(), params, round);
      assertThat(actual)
          .as("seed %d, round %d, %s", seed, round, params)
          .isEqualTo(simple(logits, params, CounterRandom.uniform(round, 0)));
    }
  }

  /** The definition with sorted lists and exact sums; the weights are the sampler's. */
  private static int simple(float[] logits, SamplingParams p, float uniform) {
    double[] x = new double[VOCAB];
    for (int i = 0; i < VOCAB; i++) {
      x[i] = logits[i] / p.temperature();
    }
    double top = Arrays.stream(x).max().orElseThrow();
    long[] weights = new long[VOCAB];
    for (int i = 0; i < VOCAB; i++) {
      float below = (float) x[i] - (float) top;
      weights[i] = below < -22.5f ? 0 : (long) (Exponential.exp(below) * 0x1.0p32);
    }
    List<Integer> order =
        IntStream.range(0, VOCAB)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -x[i]))
            .toList();
    Set<Integer> kept = new TreeSet<>(order);
    if (p.topK() > 0) {
      double cut = x[order.get(Math.min(p.topK(), VOCAB) - 1)];
      kept.removeIf(i -> x[i] < cut);
    }
    long total = kept.stream().mapToLong(i -> weights[i]).sum();
    if (p.topP() < 1) {
      Set<Integer> nucleus = new TreeSet<>();
      for (int i : kept) {
        long above = kept.stream().filter(j -> x[j] > x[i]).mapToLong(j -> weights[j]).sum();
        if (above < (double) p.topP() * total) {
          nucleus.add(i);
        }
      }
      kept = nucleus;
    }
    kept.removeIf(i -> Exponential.exp((float) x[i] - (float) top) < p.minP());
    total = kept.stream().mapToLong(i -> weights[i]).sum();
    BigInteger target =
        BigInteger.valueOf((long) (uniform * (1 << 24)))
            .multiply(BigInteger.valueOf(total))
            .shiftRight(24);
    long cumulative = 0;
    for (int i : kept) {
      cumulative += weights[i];
      if (cumulative > target.longValueExact()) {
        return i;
      }
    }
    throw new AssertionError("nothing drawn");
  }

  @Test
  void frequenciesFollowTheProbabilities() {
    float[] logits = new float[VOCAB];
    Arrays.fill(logits, -50);
    logits[3] = 0;
    logits[100] = (float) Math.log(2);
    logits[299] = (float) Math.log(5);
    int[] counts = new int[VOCAB];
    int draws = 20_000;
    for (int i = 0; i < draws; i++) {
      counts[sample(logits.clone(), params(1, 0, 1, 0, 1), 31L * i + 7)]++;
    }
    // Five standard errors.
    assertThat(counts[3] / (double) draws).isBetween(1 / 8.0 - 0.012, 1 / 8.0 + 0.012);
    assertThat(counts[100] / (double) draws).isBetween(2 / 8.0 - 0.016, 2 / 8.0 + 0.016);
    assertThat(counts[299] / (double) draws).isBetween(5 / 8.0 - 0.018, 5 / 8.0 + 0.018);
    assertThat(counts[3] + counts[100] + counts[299]).isEqualTo(draws);
  }

  @Test
  void theRepetitionPenaltyCountsPromptAndOutputOnce() {
    float[] logits = new float[VOCAB];
    Arrays.fill(logits, -1);
    logits[10] = 3;
    logits[20] = 2.5f;
    logits[30] = 2.2f;
    Lane lane = new Lane(0, 1);
    SamplingParams params = params(0, 0, 1, 0, 1.25f);
    lane.start(new LaneStart(0, params, 0, new int[] {10, 10, 64}, 0), 0, VOCAB);
    CpuSampler sampler = new CpuSampler(VOCAB);
    float[] first = logits.clone();
    // 3 / 1.25 = 2.4 is below 2.5.
    assertThat(sampler.sample(first, 0, lane)).isEqualTo(20);
    assertThat(first[10]).isEqualTo(3 / 1.25f);
    assertThat(first[64]).isEqualTo(-1.25f);
    assertThat(first[63]).isEqualTo(-1f);
    lane.sampled(20);
    // 2.5 / 1.25 = 2.0 and 3 / 1.25 = 2.4.
    assertThat(sampler.sample(logits.clone(), 0, lane)).isEqualTo(10);
  }

  private static int sample(float[] logits, SamplingParams params, long key) {
    Lane lane = new Lane(0, 1);
    lane.start(new LaneStart(0, params, key, new int[] {1}, 0), 0, VOCAB);
    return new CpuSampler(VOCAB).sample(logits, 0, lane);
  }

  private static SamplingParams params(
      float temperature, int topK, float topP, float minP, float penalty) {
    return new SamplingParams(temperature, topK, topP, minP, penalty, 10, List.of(), 0);
  }
}
