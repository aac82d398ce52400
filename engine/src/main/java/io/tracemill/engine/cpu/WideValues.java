package io.tracemill.engine.cpu;

import io.tracemill.engine.backend.CounterRandom;
import io.tracemill.engine.compress.ScoreRule.ValueAwareSample;
import io.tracemill.engine.compress.TokenSelector;
import io.tracemill.engine.model.ModelConfig;
import java.util.Arrays;

/** VaSE's score: rows with wide values first, then a weighted sample of the others. */
final class WideValues {
  private final KvPages pages;
  private final AttentionShares shares;
  private final int headDim;

  WideValues(ModelConfig config, KvPages pages, AttentionShares shares) {
    this.pages = pages;
    this.shares = shares;
    this.headDim = config.headDim();
  }

  /** What is ranked, into {@code space.pooled}. */
  void compute(ScoreTask task, ValueAwareSample rule, ScoreSpace space) {
    int candidates = task.plan().candidates();
    shares.recent(task, rule.recent(), task.firstCandidate(), task.endCandidate(), space);
    TokenSelector.pool(space.scores, candidates, rule.recent().poolingKernelSize(), space.pooled);
    Lane lane = task.lane();
    for (int j = 0; j < candidates; j++) {
      int word = CounterRandom.policyWord(lane.randomKey(), j, lane.position(), task.setIndex());
      float uniform = ((word >>> 9) + 0.5f) * 0x1.0p-23f;
      space.pooled[j] /= (float) -Math.log(uniform);
    }
    int wide = Math.min(rule.wideRows(), task.plan().retained());
    ranges(task, space);
    TokenSelector.select(space.perRow, candidates, wide, space.retained);
    for (int i = 0; i < wide; i++) {
      space.pooled[space.retained[i]] = Float.MAX_VALUE;
    }
  }

  /** Width of each candidate's values into {@code space.perRow}: mean over the KV heads. */
  private void ranges(ScoreTask task, ScoreSpace space) {
    int candidates = task.plan().candidates();
    float[] value = space.keys(headDim);
    Arrays.fill(space.perRow, 0, candidates, 0);
    for (int i = 0; i < task.numKvHeads(); i++) {
      for (int j = 0; j < candidates; j++) {
        int row = task.firstCandidate() + j;
        pages.readValue(
            task.lane().page(row / KvPages.ROWS),
            task.layer(),
            task.firstKvHead() + i,
            row % KvPages.ROWS,
            value,
            0);
        float least = value[0];
        float most = value[0];
        for (int d = 1; d < headDim; d++) {
          least = Math.min(least, value[d]);
          most = Math.max(most, value[d]);
        }
        space.perRow[j] += most - least;
      }
    }
    for (int j = 0; j < candidates; j++) {
      space.perRow[j] /= task.numKvHeads();
    }
  }
}
