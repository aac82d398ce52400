package io.tracemill.engine.cpu;

import io.tracemill.engine.compress.QueryCalibration;
import io.tracemill.engine.compress.ScoreRule.ExpectedAttention;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.RopeFrequencies;
import java.util.Arrays;

/**
 * Attention expected of queries to come (TriAttention, arXiv 2604.04921). With the mean query m of
 * a pair, the key as it is cached (rotated to its position) k, the newest position t and distances
 * D, the part of a pair that depends on direction is
 *
 * <pre>
 * mean over D of |m| |k| cos(w (t + D) + arg(m conj(k))) = Re(a conj(k)),  a = m * mean over D of exp(i w (t + D))
 * </pre>
 *
 * so that the whole head is a product of the key with one made-up query; the key's position cancels
 * out. The rest is {@code (mean modulus - |m|) |k|}.
 */
final class ExpectedShares {
  /** Distances 1, 2, 4, .., 65536. */
  private static final int DISTANCES = 17;

  private final QueryKeys products;
  private final KvPages pages;
  private final RopeFrequencies frequencies;
  private final int headDim;
  private final int groupSize;

  ExpectedShares(ModelConfig config, CpuKernels kernels, KvPages pages) {
    this.products = new QueryKeys(kernels, pages);
    this.pages = pages;
    this.frequencies = RopeFrequencies.of(config.rope(), config.headDim());
    this.headDim = config.headDim();
    this.groupSize = config.queryGroupSize();
  }

  /** Scores of the candidates into {@code space.scores}: mean over the query heads of the set. */
  void compute(ScoreTask task, ExpectedAttention rule, ScoreSpace space) {
    int candidates = task.plan().candidates();
    int pairs = headDim / 2;
    float[] turns = meanTurns(task.lane().position() - 1);
    float[] query = new float[headDim];
    float[] rest = new float[pairs];
    float[] moduli = space.keys(candidates * pairs + headDim);
    Arrays.fill(space.scores, 0, candidates, 0);
    for (int i = 0; i < task.numKvHeads(); i++) {
      int kvHead = task.firstKvHead() + i;
      readModuli(task, kvHead, candidates, moduli);
      for (int g = 0; g < groupSize; g++) {
        coefficients(rule.calibration(), task.layer(), kvHead * groupSize + g, turns, query, rest);
        int at =
            products.products(
                task.lane(),
                task.layer(),
                kvHead,
                task.firstCandidate(),
                task.endCandidate(),
                query,
                0,
                1,
                space.attention);
        addRest(space.attention, at, candidates, moduli, rest);
        addStandardised(space, at, candidates);
      }
    }
    float heads = task.numKvHeads() * (float) groupSize;
    for (int j = 0; j < candidates; j++) {
      space.scores[j] /= heads;
    }
  }

  /** {@code mean over D of exp(i w (t + D))} per pair: real parts, then imaginary parts. */
  private float[] meanTurns(int newest) {
    int pairs = headDim / 2;
    float[] turns = new float[headDim];
    for (int pair = 0; pair < pairs; pair++) {
      double real = 0;
      double imaginary = 0;
      for (int i = 0; i < DISTANCES; i++) {
        // Rounded as the rotary embedding rounds it.
        float angle = (float) (newest + (1 << i)) * frequencies.inverseFrequency(pair);
        real += Math.cos(angle);
        imaginary += Math.sin(angle);
      }
      turns[pair] = (float) (real / DISTANCES);
      turns[pair + pairs] = (float) (imaginary / DISTANCES);
    }
    return turns;
  }

  private void coefficients(
      QueryCalibration calibration,
      int layer,
      int head,
      float[] turns,
      float[] query,
      float[] rest) {
    int pairs = headDim / 2;
    // Keys carry the factor of the rotary embedding already; queries would too.
    float factor = frequencies.attentionFactor();
    for (int pair = 0; pair < pairs; pair++) {
      float real = calibration.meanReal(layer, head, pair);
      float imaginary = calibration.meanImaginary(layer, head, pair);
      float turnReal = turns[pair];
      float turnImaginary = turns[pair + pairs];
      query[pair] = factor * (real * turnReal - imaginary * turnImaginary);
      query[pair + pairs] = factor * (real * turnImaginary + imaginary * turnReal);
      float modulus = (float) Math.sqrt(real * real + imaginary * imaginary);
      rest[pair] = factor * (calibration.meanModulus(layer, head, pair) - modulus);
    }
  }

  /** Moduli of the candidates' pairs, {@code [candidates][pairs]}; the key's row is read behind. */
  private void readModuli(ScoreTask task, int kvHead, int candidates, float[] moduli) {
    int pairs = headDim / 2;
    int key = candidates * pairs;
    for (int j = 0; j < candidates; j++) {
      int row = task.firstCandidate() + j;
      pages.readKey(
          task.lane().page(row / KvPages.ROWS),
          task.layer(),
          kvHead,
          row % KvPages.ROWS,
          moduli,
          key);
      for (int pair = 0; pair < pairs; pair++) {
        float a = moduli[key + pair];
        float b = moduli[key + pairs + pair];
        moduli[j * pairs + pair] = (float) Math.sqrt(a * a + b * b);
      }
    }
  }

  private static void addRest(
      float[] scores, int at, int candidates, float[] moduli, float[] rest) {
    int pairs = rest.length;
    for (int j = 0; j < candidates; j++) {
      float sum = 0;
      for (int pair = 0; pair < pairs; pair++) {
        sum = Math.fma(rest[pair], moduli[j * pairs + pair], sum);
      }
      scores[at + j] += sum;
    }
  }

  /** Adds a head's scores brought to mean 0 and standard deviation 1. */
  private static void addStandardised(ScoreSpace space, int at, int candidates) {
    double sum = 0;
    double squares = 0;
    for (int j = 0; j < candidates; j++) {
      double score = space.attention[at + j];
      sum += score;
      squares += score * score;
    }
    double mean = sum / candidates;
    double variance = Math.max(0, squares / candidates - mean * mean);
    float inverse = variance > 0 ? (float) (1 / Math.sqrt(variance)) : 0;
    for (int j = 0; j < candidates; j++) {
      space.scores[j] += (space.attention[at + j] - (float) mean) * inverse;
    }
  }
}
