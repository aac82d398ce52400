package io.tracemill.engine.cpu;

import io.tracemill.engine.model.ModelConfig;
import java.util.Arrays;

/** Spread of candidates against the rows that follow them: LagKV's score. */
final class LagSpreads {
  private final CpuKernels kernels;
  private final KvPages pages;
  private final int headDim;

  LagSpreads(ModelConfig config, CpuKernels kernels, KvPages pages) {
    this.kernels = kernels;
    this.pages = pages;
    this.headDim = config.headDim();
  }

  /** Scores of the candidates into {@code space.scores}: mean over the KV heads of the set. */
  void compute(ScoreTask task, ScoreSpace space) {
    int candidates = task.plan().candidates();
    Arrays.fill(space.scores, 0, candidates, 0);
    for (int i = 0; i < task.numKvHeads(); i++) {
      for (Part part : Part.values()) {
        spreads(task, task.firstKvHead() + i, part, space);
        float sum = kernels.exponentials(space.folded, 0, candidates, space.lanes);
        float share = 1 / (sum * task.numKvHeads());
        for (int j = 0; j < candidates; j++) {
          space.scores[j] = Math.fma(share, space.folded[j], space.scores[j]);
        }
      }
    }
  }

  private enum Part {
    KEY,
    VALUE
  }

  private void spreads(ScoreTask task, int kvHead, Part part, ScoreSpace space) {
    float[] work = space.keys(3 * headDim);
    int least = headDim;
    int most = 2 * headDim;
    Arrays.fill(work, least, most, Float.POSITIVE_INFINITY);
    Arrays.fill(work, most, most + headDim, Float.NEGATIVE_INFINITY);
    int candidates = task.plan().candidates();
    for (int i = 0; i < candidates; i++) {
      read(task, kvHead, part, task.endCandidate() + i, work);
      for (int d = 0; d < headDim; d++) {
        work[least + d] = Math.min(work[least + d], work[d]);
        work[most + d] = Math.max(work[most + d], work[d]);
      }
    }
    for (int d = 0; d < headDim; d++) {
      float range = work[most + d] - work[least + d];
      work[most + d] = range > 0 ? 1 / range : 0;
    }
    for (int j = 0; j < candidates; j++) {
      read(task, kvHead, part, task.firstCandidate() + j, work);
      float sum = 0;
      for (int d = 0; d < headDim; d++) {
        work[d] = (work[d] - work[least + d]) * work[most + d];
        sum += work[d];
      }
      float mean = sum / headDim;
      float squares = 0;
      for (int d = 0; d < headDim; d++) {
        float difference = work[d] - mean;
        squares = Math.fma(difference, difference, squares);
      }
      space.folded[j] = (float) Math.sqrt(squares / (headDim - 1));
    }
  }

  private void read(ScoreTask task, int kvHead, Part part, int row, float[] out) {
    int page = task.lane().page(row / KvPages.ROWS);
    int inPage = row % KvPages.ROWS;
    switch (part) {
      case KEY -> pages.readKey(page, task.layer(), kvHead, inPage, out, 0);
      case VALUE -> pages.readValue(page, task.layer(), kvHead, inPage, out, 0);
    }
  }
}
