package io.tracemill.engine.cpu;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.backend.CounterRandom;
import io.tracemill.engine.compress.QueryCalibration;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.compress.ScoreRule.Fold;
import io.tracemill.engine.compress.ScoreRule.RecentAttention;
import io.tracemill.engine.compress.ScoreRule.Scope;
import io.tracemill.engine.compress.ScoreRule.Smoothing;
import io.tracemill.engine.model.RopeFrequencies;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Score rules written down from the papers' formulas with one loop per index and whole matrices, on
 * plain arrays; shares no code with the backend.
 */
final class PlainScores {
  /** {@code [kvHead][row][headDim]}. */
  final float[][][] keys;

  final float[][][] values;

  /** {@code [query head][age][headDim]}, age 0 the newest. */
  final float[][][] queries;

  private final int group;
  private final int protectedRows;
  private final int candidates;
  private final int rows;

  PlainScores(
      float[][][] keys,
      float[][][] values,
      float[][][] queries,
      int protectedRows,
      int candidates) {
    this.keys = keys;
    this.values = values;
    this.queries = queries;
    this.group = queries.length / keys.length;
    this.protectedRows = protectedRows;
    this.candidates = candidates;
    this.rows = keys[0].length;
  }

  private static float dot(float[] a, float[] b) {
    float sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static float[] softmax(float[] logits) {
    float most = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      most = Math.max(most, logit);
    }
    float[] out = new float[logits.length];
    float sum = 0;
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) Math.exp(logits[i] - most);
      sum += out[i];
    }
    for (int i = 0; i < out.length; i++) {
      out[i] /= sum;
    }
    return out;
  }

  /** Attention of one head's query to all rows, 0 outside the scope; causal. */
  private float[] attention(int head, int age, Scope scope) {
    float[] logits = new float[rows];
    for (int row = 0; row < rows; row++) {
      logits[row] =
          inScope(row, age, scope)
              ? dot(queries[head][age], keys[head / group][row])
                  / (float) Math.sqrt(queries[head][age].length)
              : Float.NEGATIVE_INFINITY;
    }
    return softmax(logits);
  }

  private boolean inScope(int row, int age, Scope scope) {
    boolean candidate = row >= protectedRows && row < protectedRows + candidates;
    return row < rows - age && (candidate || scope == Scope.ALL_ROWS);
  }

  /** The score of every row for a set of KV heads, mean over heads and queries. */
  float[] recent(RecentAttention rule, int firstKvHead, int numKvHeads) {
    float[] scores = new float[rows];
    for (int kvHead = firstKvHead; kvHead < firstKvHead + numKvHeads; kvHead++) {
      for (int age = 0; age < rule.queries(); age++) {
        float[] folded = new float[rows];
        if (rule.fold() == Fold.LARGEST_LOGIT) {
          float[] logits = new float[rows];
          for (int row = 0; row < rows; row++) {
            logits[row] = Float.NEGATIVE_INFINITY;
            for (int g = 0; g < group && inScope(row, age, rule.scope()); g++) {
              float[] query = queries[kvHead * group + g][age];
              logits[row] =
                  Math.max(
                      logits[row], dot(query, keys[kvHead][row]) / (float) Math.sqrt(query.length));
            }
          }
          folded = softmax(logits);
        } else {
          for (int g = 0; g < group; g++) {
            float[] share = attention(kvHead * group + g, age, rule.scope());
            for (int row = 0; row < rows; row++) {
              folded[row] =
                  rule.fold() == Fold.MEAN
                      ? folded[row] + share[row] / group
                      : Math.max(folded[row], share[row]);
            }
          }
        }
        for (int row = 0; row < rows; row++) {
          scores[row] += folded[row] / (numKvHeads * rule.queries());
        }
      }
    }
    return scores;
  }

  float[] ofCandidates(float[] ofRows) {
    float[] out = new float[candidates];
    System.arraycopy(ofRows, protectedRows, out, 0, candidates);
    return out;
  }

  static float[] smooth(float[] scores, Smoothing smoothing, int kernel) {
    float[] out = new float[scores.length];
    for (int j = 0; j < scores.length; j++) {
      float sum = 0;
      float most = Float.NEGATIVE_INFINITY;
      for (int i = j - kernel / 2; i <= j + kernel / 2; i++) {
        if (i >= 0 && i < scores.length) {
          sum += scores[i];
          most = Math.max(most, scores[i]);
        }
      }
      out[j] = smoothing == Smoothing.AVERAGE ? sum / kernel : most;
    }
    return out;
  }

  /** RPC's candidate-only attention with equal weights, not pooled; a sum over the queries. */
  float[] selector(int numQueries, int firstKvHead, int numKvHeads) {
    float[] scores =
        ofCandidates(
            recent(
                new RecentAttention(
                    numQueries,
                    Scope.CANDIDATES,
                    Fold.MEAN,
                    HeadAggregation.ALL,
                    Smoothing.AVERAGE,
                    1),
                firstKvHead,
                numKvHeads));
    for (int j = 0; j < scores.length; j++) {
      scores[j] *= numQueries;
    }
    return scores;
  }

  /** Redundancy of the unprotected rows. */
  float[] redundancy(int firstKvHead, int numKvHeads) {
    int count = rows - protectedRows;
    float[] mean = new float[count];
    for (int kvHead = firstKvHead; kvHead < firstKvHead + numKvHeads; kvHead++) {
      float[][] cosines = new float[count][count];
      for (int i = 0; i < count; i++) {
        for (int j = 0; j < count; j++) {
          float[] a = keys[kvHead][protectedRows + i];
          float[] b = keys[kvHead][protectedRows + j];
          cosines[i][j] =
              i == j ? 0 : (float) (dot(a, b) / Math.sqrt(dot(a, a)) / Math.sqrt(dot(b, b)));
        }
        int latest = -1;
        for (int j = 0; j < count; j++) {
          if (cosines[i][j] > ScoreRule.SIMILAR) {
            latest = j;
          }
        }
        if (latest >= 0) {
          cosines[i][latest] = 0;
        }
      }
      float[] columns = new float[count];
      for (int j = 0; j < count; j++) {
        for (int i = 0; i < count; i++) {
          columns[j] += cosines[i][j];
        }
        columns[j] /= count;
      }
      float[] shares = softmax(columns);
      for (int j = 0; j < count; j++) {
        mean[j] += shares[j] / numKvHeads;
      }
    }
    return mean;
  }

  /** LagKV's score of the candidates. */
  float[] lag(int firstKvHead, int numKvHeads) {
    float[] scores = new float[candidates];
    for (int kvHead = firstKvHead; kvHead < firstKvHead + numKvHeads; kvHead++) {
      for (float[][] states : List.of(keys[kvHead], values[kvHead])) {
        int dim = states[0].length;
        float[] spread = new float[candidates];
        for (int j = 0; j < candidates; j++) {
          float[] x = new float[dim];
          float mean = 0;
          for (int d = 0; d < dim; d++) {
            float least = Float.POSITIVE_INFINITY;
            float most = Float.NEGATIVE_INFINITY;
            for (int i = 0; i < candidates; i++) {
              least = Math.min(least, states[protectedRows + candidates + i][d]);
              most = Math.max(most, states[protectedRows + candidates + i][d]);
            }
            x[d] = most == least ? 0 : (states[protectedRows + j][d] - least) / (most - least);
            mean += x[d] / dim;
          }
          float variance = 0;
          for (float value : x) {
            variance += (value - mean) * (value - mean) / (dim - 1);
          }
          spread[j] = (float) Math.sqrt(variance);
        }
        float[] shares = softmax(spread);
        for (int j = 0; j < candidates; j++) {
          scores[j] += shares[j] / numKvHeads;
        }
      }
    }
    return scores;
  }

  /** VaSE's ranks: wide rows at the top, the others by a draw weighted with attention. */
  float[] valueAware(float[] attention, int wideRows, long key, int position, int set) {
    float[] ranks = new float[candidates];
    float[] widths = new float[candidates];
    for (int j = 0; j < candidates; j++) {
      int word = CounterRandom.policyWord(key, j, position, set);
      double uniform = ((word >>> 9) + 0.5) / (1 << 23);
      ranks[j] = (float) (attention[j] / -Math.log(uniform));
      for (float[][] head : values) {
        float least = Float.POSITIVE_INFINITY;
        float most = Float.NEGATIVE_INFINITY;
        for (float value : head[protectedRows + j]) {
          least = Math.min(least, value);
          most = Math.max(most, value);
        }
        widths[j] += (most - least) / values.length;
      }
    }
    List<Integer> byWidth = new ArrayList<>();
    for (int j = 0; j < candidates; j++) {
      byWidth.add(j);
    }
    byWidth.sort(Comparator.comparingDouble(j -> -widths[j]));
    byWidth.subList(0, wideRows).forEach(j -> ranks[j] = Float.MAX_VALUE);
    return ranks;
  }

  /**
   * TriAttention's score by its own formula, with keys turned back to where they were not rotated.
   */
  float[] expected(
      QueryCalibration calibration,
      RopeFrequencies frequencies,
      int layer,
      int newest,
      int[] positions) {
    double[] scores = new double[candidates];
    int pairs = frequencies.numPairs();
    for (int head = 0; head < queries.length; head++) {
      double[] ofHead = new double[candidates];
      for (int j = 0; j < candidates; j++) {
        int row = protectedRows + j;
        float[] key = keys[head / group][row];
        for (int f = 0; f < pairs; f++) {
          double w = frequencies.inverseFrequency(f);
          double turned = Math.atan2(key[f + pairs], key[f]) - w * positions[row];
          double modulus = Math.hypot(key[f], key[f + pairs]);
          double mean =
              Math.hypot(
                  calibration.meanReal(layer, head, f), calibration.meanImaginary(layer, head, f));
          double angle =
              Math.atan2(
                  calibration.meanImaginary(layer, head, f), calibration.meanReal(layer, head, f));
          double sum = 0;
          for (int distance = 1; distance <= 65536; distance *= 2) {
            sum += Math.cos(w * (newest - positions[row] + distance) + angle - turned) / 17;
          }
          ofHead[j] +=
              mean * modulus * sum + (calibration.meanModulus(layer, head, f) - mean) * modulus;
        }
      }
      double mean = 0;
      for (double score : ofHead) {
        mean += score / candidates;
      }
      double variance = 0;
      for (double score : ofHead) {
        variance += (score - mean) * (score - mean) / candidates;
      }
      for (int j = 0; j < candidates; j++) {
        scores[j] += (ofHead[j] - mean) / Math.sqrt(variance) / queries.length;
      }
    }
    float[] out = new float[candidates];
    for (int j = 0; j < candidates; j++) {
      out[j] = (float) scores[j];
    }
    return out;
  }

  /** Share of the attention norm that is left when only some candidates stay. */
  double normLeft(int numQueries, boolean[] stays) {
    double kept = 0;
    double full = 0;
    for (int head = 0; head < queries.length; head++) {
      double keptSquares = 0;
      double squares = 0;
      for (int age = 0; age < numQueries; age++) {
        float[] share = attention(head, age, Scope.ALL_ROWS);
        for (int row = 0; row < rows; row++) {
          double square = (double) share[row] * share[row];
          squares += square;
          int j = row - protectedRows;
          keptSquares += j < 0 || j >= candidates || stays[j] ? square : 0;
        }
      }
      kept += Math.sqrt(keptSquares);
      full += Math.sqrt(squares);
    }
    return kept / full;
  }
}
