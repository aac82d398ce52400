package io.tracemill.engine.cpu;

import io.tracemill.engine.backend.CounterRandom;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.compress.ScoreRule.RecentAttention;
import io.tracemill.engine.compress.ScoreRule.Smoothing;
import io.tracemill.engine.compress.TokenSelector;
import io.tracemill.engine.model.ModelConfig;

/**
 * Computes what candidates are ranked by, for every rule: the plain form that backends must equal.
 */
final class CandidateScores {
  private final AttentionShares shares;
  private final Redundancy redundancy;
  private final LagSpreads lagSpreads;
  private final WideValues wideValues;
  private final ExpectedShares expected;

  CandidateScores(ModelConfig config, CpuKernels kernels, KvPages pages) {
    this.shares = new AttentionShares(config, kernels, pages);
    this.redundancy = new Redundancy(config, kernels, pages);
    this.lagSpreads = new LagSpreads(config, kernels, pages);
    this.wideValues = new WideValues(config, pages, shares);
    this.expected = new ExpectedShares(config, kernels, pages);
  }

  /** Scores by candidate into {@code space.pooled}. */
  void rank(ScoreTask task, ScoreRule rule, ScoreSpace space) {
    int candidates = task.plan().candidates();
    if (rule instanceof ScoreRule.SelectorAttention selector) {
      shares.selector(task, selector, space);
      TokenSelector.pool(space.scores, candidates, selector.poolingKernelSize(), space.pooled);
    } else if (rule instanceof RecentAttention recent) {
      shares.recent(task, recent, task.firstCandidate(), task.endCandidate(), space);
      smooth(recent, candidates, space);
    } else if (rule instanceof ScoreRule.Newest) {
      for (int j = 0; j < candidates; j++) {
        space.pooled[j] = j;
      }
    } else if (rule instanceof ScoreRule.RandomDraw) {
      draw(task, space);
    } else if (rule instanceof ScoreRule.AccumulatedAttention accumulated) {
      accumulate(task, accumulated.recent(), space);
    } else if (rule instanceof ScoreRule.ImportanceMinusRedundancy both) {
      importanceMinusRedundancy(task, both, space);
    } else if (rule instanceof ScoreRule.StoredMaximum stored) {
      storedMaximum(task, stored, space);
    } else if (rule instanceof ScoreRule.ChunkMean chunks) {
      shares.selector(task, chunks.base(), space);
      chunkMeans(candidates, chunks.chunkRows(), space);
    } else if (rule instanceof ScoreRule.LagSpread) {
      lagSpreads.compute(task, space);
      System.arraycopy(space.scores, 0, space.pooled, 0, candidates);
    } else if (rule instanceof ScoreRule.ValueAwareSample sample) {
      wideValues.compute(task, sample, space);
    } else if (rule instanceof ScoreRule.ExpectedAttention attention) {
      expected.compute(task, attention, space);
      System.arraycopy(space.scores, 0, space.pooled, 0, candidates);
    } else {
      throw new IllegalArgumentException("no scores for " + rule);
    }
  }

  /** Whether the rule keeps scores beside rows. */
  static boolean storesScores(ScoreRule rule) {
    return rule instanceof ScoreRule.AccumulatedAttention
        || rule instanceof ScoreRule.StoredMaximum;
  }

  AttentionShares shares() {
    return shares;
  }

  private static void smooth(RecentAttention rule, int candidates, ScoreSpace space) {
    if (rule.smoothing() == Smoothing.AVERAGE) {
      TokenSelector.pool(space.scores, candidates, rule.poolingKernelSize(), space.pooled);
    } else {
      TokenSelector.poolLargest(space.scores, candidates, rule.poolingKernelSize(), space.pooled);
    }
  }

  private static void draw(ScoreTask task, ScoreSpace space) {
    Lane lane = task.lane();
    for (int j = 0; j < task.plan().candidates(); j++) {
      int word = CounterRandom.policyWord(lane.randomKey(), j, lane.position(), task.setIndex());
      space.pooled[j] = (word >>> 8) * 0x1.0p-24f;
    }
  }

  private void accumulate(ScoreTask task, RecentAttention recent, ScoreSpace space) {
    shares.recent(task, recent, 0, task.rows(), space);
    float[] stored = task.lane().rowScores().of(task.setIndex());
    for (int row = 0; row < task.rows(); row++) {
      stored[row] = Math.fma(recent.queries(), space.scores[row], stored[row]);
    }
    System.arraycopy(stored, task.firstCandidate(), space.pooled, 0, task.plan().candidates());
  }

  private void importanceMinusRedundancy(
      ScoreTask task, ScoreRule.ImportanceMinusRedundancy rule, ScoreSpace space) {
    int candidates = task.plan().candidates();
    shares.recent(task, rule.importance(), task.firstCandidate(), task.endCandidate(), space);
    smooth(rule.importance(), candidates, space);
    redundancy.compute(task, space);
    for (int j = 0; j < candidates; j++) {
      space.pooled[j] = rule.lambda() * space.pooled[j] - (1 - rule.lambda()) * space.redundancy[j];
    }
  }

  private void storedMaximum(ScoreTask task, ScoreRule.StoredMaximum rule, ScoreSpace space) {
    int rows = task.rows();
    int first = task.firstCandidate();
    shares.recent(task, rule.recent(), 0, rows, space);
    float most = largest(space.scores, rows);
    float[] stored = task.lane().rowScores().of(task.setIndex());
    for (int row = 0; row < rows; row++) {
      stored[row] = Math.max(rule.decay() * stored[row], space.scores[row] / most);
    }
    redundancy.compute(task, space);
    float weight = rule.redundancyWeight() / largest(space.redundancy, rows - first);
    for (int j = 0; j < task.plan().candidates(); j++) {
      space.pooled[j] =
          (1 - rule.redundancyWeight()) * stored[first + j] - weight * space.redundancy[j];
    }
  }

  private static void chunkMeans(int candidates, int chunkRows, ScoreSpace space) {
    for (int from = 0; from < candidates; from += chunkRows) {
      int to = Math.min(candidates, from + chunkRows);
      float sum = 0;
      for (int j = from; j < to; j++) {
        sum += space.scores[j];
      }
      for (int j = from; j < to; j++) {
        space.pooled[j] = sum / (to - from);
      }
    }
  }

  private static float largest(float[] values, int count) {
    float largest = 0;
    for (int j = 0; j < count; j++) {
      largest = Math.max(largest, values[j]);
    }
    return largest;
  }
}
