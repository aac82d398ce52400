package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.CounterRandom;
import io.tracemill.engine.backend.PrefillChunk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Draws of the card against a double-precision computation from the same logits and the same random
 * numbers: the first token, in ascending id among those that the filters keep, whose cumulative
 * probability exceeds the draw.
 */
@Tag("gpu")
class TestCudaSampling {
  private static final int LANES = 32;
  private static final int BATCHES = 60;
  private static final int VOCAB = 2048;

  /** A draw this close to a boundary may fall on either side; the card counts in units of 2^-42. */
  private static final double BOUNDARY = 2e-5;

  @BeforeAll
  static void gpu() {
    Gpu.require();
  }

  @ParameterizedTest
  @CsvSource({
    "1.0, 0, 1.0, 0.0, 1",
    "4.0, 0, 1.0, 0.0, 20",
    "4.0, 40, 1.0, 0.0, 9",
    "4.0, 0, 0.9, 0.0, 9",
    "6.0, 0, 1.0, 0.02, 9",
    "5.0, 50, 0.95, 0.01, 9"
  })
  void everyDrawIsTheOneComputedInDouble(
      float temperature, int topK, float topP, float minP, int leastDistinct) {
    // Text that the model has never seen leaves it undecided, so that filters have work to do.
    int[] prompt = new Random(8).ints(21, 0, VOCAB).toArray();
    SamplingParams sampling =
        new SamplingParams(temperature, topK, topP, minP, 1, 10, List.of(), 0);
    int wrong = 0;
    int distinct = 0;
    try (CudaBackend backend = Gpu.openDemo(LANES, 0, LANES * prompt.length)) {
      PagedLanes lanes = new PagedLanes(backend);
      double[] cumulative = null;
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
        }
        for (int lane = 0; lane < LANES; lane++) {
          double draw = CounterRandom.uniform(key(batch, lane), 0);
          if (!isRight(cumulative, drawn[lane], draw)) {
            wrong++;
          }
          distinct += seen[drawn[lane]] ? 0 : 1;
          seen[drawn[lane]] = true;
          lanes.end(lane);
        }
      }
    }
    assertThat(wrong).as("wrong draws of %d", LANES * BATCHES).isZero();
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
