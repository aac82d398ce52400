package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.CounterRandom;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.gpu.internal.kernel.SampleKernel;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Draws of the card against two computations from the same logits and the same random numbers. One
 * is the integer arithmetic that the kernel defines, and every draw must equal it. The other is the
 * textbook in double precision: the first token, in ascending id among those that the filters keep,
 * whose cumulative probability exceeds the draw. Where the cut of top-p falls between tokens of
 * nearly equal mass the two may keep one token more or less, so those settings are held to the
 * first alone.
 */
@Tag("gpu")
@RequiresGpu
class TestCudaSampling {
  private static final int LANES = 32;
  private static final int BATCHES = 60;
  private static final int VOCAB = 2048;

  /** A draw this close to a boundary may fall on either side; the card counts in units of 2^-42. */
  private static final double BOUNDARY = 2e-5;

  @ParameterizedTest
  @CsvSource({
    "1.0, 0, 1.0, 0.0, 1",
    "4.0, 0, 1.0, 0.0, 20",
    "4.0, 40, 1.0, 0.0, 9",
    "4.0, 0, 0.9, 0.0, 9",
    "6.0, 0, 1.0, 0.02, 9",
    "5.0, 50, 0.95, 0.01, 9"
  })
  void everyDrawIsTheOneComputedOnTheHost(
      float temperature, int topK, float topP, float minP, int leastDistinct) {
    // Text that the model has never seen leaves it undecided, so that filters have work to do.
    int[] prompt = new Random(8).ints(21, 0, VOCAB).toArray();
    SamplingParams sampling =
        new SamplingParams(temperature, topK, topP, minP, 1, 10, List.of(), 0);
    int wrong = 0;
    int unequal = 0;
    int distinct = 0;
    try (CudaBackend backend = Gpu.openDemo(LANES, 0, LANES * prompt.length)) {
      PagedLanes lanes = new PagedLanes(backend);
      double[] cumulative = null;
      long[] mass = null;
      boolean[] seen = new boolean[VOCAB];
      for (int batch = 0; batch < BATCHES; batch++) {
        List<PrefillChunk> chunks = new ArrayList<>();
        for (int lane = 0; lane < LANES; lane++) {
          lanes.start(lane, prompt, sampling, key(batch, lane), 0);
          lanes.reserve(lane, prompt.length);
          chunks.add(new PrefillChunk(lane, 0, prompt, true));
        }
        int[] drawn = backend.prefill(chunks).await();
        if (cumulative == null) {
          float[] logits =
              Gpu.floats(backend.session(), backend.session().transformer().logits(), VOCAB);
          cumulative = cumulative(logits, sampling);
          mass = keptMass(logits, sampling);
        }
        for (int lane = 0; lane < LANES; lane++) {
          double draw = CounterRandom.uniform(key(batch, lane), 0);
          wrong += isRight(cumulative, drawn[lane], draw) ? 0 : 1;
          unequal += drawn[lane] == draw(mass, draw) ? 0 : 1;
          distinct += seen[drawn[lane]] ? 0 : 1;
          seen[drawn[lane]] = true;
          lanes.end(lane);
        }
      }
    }
    System.err.printf(
        "T=%s k=%d p=%s min-p=%s: %d draws, %d unlike the kernel's definition, %d unlike double, %d"
            + " distinct%n",
        temperature, topK, topP, minP, LANES * BATCHES, unequal, wrong, distinct);
    assertThat(unequal).as("draws unlike the kernel's definition").isZero();
    if (topP == 1) {
      assertThat(wrong).as("draws unlike the computation in double").isZero();
    }
    assertThat(distinct).as("distinct tokens drawn").isGreaterThanOrEqualTo(leastDistinct);
  }

  private static long key(int batch, int lane) {
    return CounterRandom.key(3, "row" + batch, lane);
  }

  private static boolean isRight(double[] cumulative, int token, double draw) {
    double below = token == 0 ? 0 : cumulative[token - 1];
    return draw >= below - BOUNDARY
        && draw < cumulative[token] + BOUNDARY
        && cumulative[token] > below;
  }

  /** The first token whose running mass exceeds the draw's share of all. */
  private static int draw(long[] mass, double draw) {
    BigInteger total = BigInteger.valueOf(Arrays.stream(mass).sum());
    long target =
        total.multiply(BigInteger.valueOf((long) (draw * (1 << 24)))).shiftRight(24).longValue();
    long running = 0;
    for (int id = 0; id < VOCAB; id++) {
      running += mass[id];
      if (running > target) {
        return id;
      }
    }
    throw new AssertionError("the masses do not reach " + target);
  }

  /** Integer masses of the tokens that stay, as sample.cu defines them; 0 for the others. */
  private static long[] keptMass(float[] logits, SamplingParams sampling) {
    int[] table = SampleKernel.massTable();
    float inverse = 1 / sampling.temperature();
    float highest = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      highest = Math.max(highest, logit * inverse);
    }
    int[] keys = new int[VOCAB];
    long[] mass = new long[VOCAB];
    for (int id = 0; id < VOCAB; id++) {
      keys[id] = (int) Math.min((highest - logits[id] * inverse) * 0x1p18f, 22 * 0x1p18f);
      int pair = keys[id] >> 11;
      int rest = keys[id] & 2047;
      if (keys[id] < 22 << 18) {
        mass[id] =
            Integer.toUnsignedLong(table[2 * pair]) * (2048 - rest)
                + Integer.toUnsignedLong(table[2 * pair + 1]) * rest;
      }
    }
    int[] order =
        IntStream.range(0, VOCAB)
            .boxed()
            .sorted(Comparator.<Integer>comparingInt(id -> keys[id]).thenComparing(id -> id))
            .mapToInt(Integer::intValue)
            .toArray();
    int kept = sampling.topK() == 0 ? VOCAB : sampling.topK();
    long total = 0;
    for (int i = 0; i < kept; i++) {
      total += mass[order[i]];
    }
    if (sampling.topP() < 1) {
      long wanted = (long) Math.ceil((double) sampling.topP() * (double) total);
      long reached = 0;
      int first = 0;
      while (first < kept && reached < wanted) {
        reached += mass[order[first++]];
      }
      kept = first;
    }
    int farthest = SampleKernel.minPKey(sampling.minP());
    long[] left = new long[VOCAB];
    for (int i = 0; i < kept; i++) {
      left[order[i]] = keys[order[i]] <= farthest ? mass[order[i]] : 0;
    }
    return left;
  }

  /** Probability of all tokens up to each id, after temperature, top-k, top-p and min-p. */
  private static double[] cumulative(float[] logits, SamplingParams sampling) {
    double[] mass = new double[VOCAB];
    double highest = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      highest = Math.max(highest, logit);
    }
    for (int id = 0; id < VOCAB; id++) {
      mass[id] = Math.exp((logits[id] - highest) / sampling.temperature());
    }
    double[] before = mass.clone();
    int[] order =
        IntStream.range(0, VOCAB)
            .boxed()
            .sorted(Comparator.<Integer>comparingDouble(id -> -before[id]).thenComparing(id -> id))
            .mapToInt(Integer::intValue)
            .toArray();
    int kept = sampling.topK() == 0 ? VOCAB : Math.min(VOCAB, sampling.topK());
    double total = 0;
    for (int i = 0; i < kept; i++) {
      total += mass[order[i]];
    }
    double reached = 0;
    int first = 0;
    while (first < kept && (first == 0 || reached < sampling.topP() * total)) {
      reached += mass[order[first++]];
    }
    kept = first;
    while (kept > 1 && mass[order[kept - 1]] < sampling.minP()) {
      kept--;
    }
    for (int i = kept; i < VOCAB; i++) {
      mass[order[i]] = 0;
    }
    double sum = Arrays.stream(mass).sum();
    double[] cumulative = new double[VOCAB];
    double running = 0;
    for (int id = 0; id < VOCAB; id++) {
      running += mass[id];
      cumulative[id] = running / sum;
    }
    return cumulative;
  }
}
