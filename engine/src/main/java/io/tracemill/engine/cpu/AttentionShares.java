package io.tracemill.engine.cpu;

import io.tracemill.engine.compress.ScoreRule.Fold;
import io.tracemill.engine.compress.ScoreRule.RecentAttention;
import io.tracemill.engine.compress.ScoreRule.Scope;
import io.tracemill.engine.compress.ScoreRule.SelectorAttention;
import io.tracemill.engine.model.ModelConfig;
import java.util.Arrays;
import java.util.List;

/** Attention that the queries of a lane's ring pay to its rows, as rules count it. */
final class AttentionShares {
  private final CpuKernels kernels;
  private final QueryKeys products;
  private final int headDim;
  private final int queryDim;
  private final int groupSize;
  private final float scale;

  AttentionShares(ModelConfig config, CpuKernels kernels, KvPages pages) {
    this.kernels = kernels;
    this.products = new QueryKeys(kernels, pages);
    this.headDim = config.headDim();
    this.queryDim = config.queryDim();
    this.groupSize = config.queryGroupSize();
    this.scale = (float) (1 / Math.sqrt(headDim));
  }

  /** Scores of the candidates by RPC's rule, mean over the query heads of the set, not pooled. */
  void selector(ScoreTask task, SelectorAttention rule, ScoreSpace space) {
    int candidates = task.plan().candidates();
    Arrays.fill(space.scores, 0, candidates, 0);
    List<Float> weights = rule.ringWeights();
    int oldest = weights.size() - 1;
    int first = task.firstCandidate();
    int end = task.endCandidate();
    int numHeads = task.numKvHeads() * groupSize;
    for (int i = 0; i < numHeads; i++) {
      int head = task.firstKvHead() * groupSize + i;
      for (int r = 0; r < weights.size(); r += 2) {
        int at = logits(task, head, first, end, oldest - r, oldest - r - 1, space);
        addShare(space, at, candidates, weights.get(r));
        if (r + 1 < weights.size()) {
          addShare(space, space.stride + at, candidates, weights.get(r + 1));
        }
      }
    }
    for (int j = 0; j < candidates; j++) {
      space.scores[j] /= numHeads;
    }
  }

  /**
   * Scores of rows {@code [from, to)} into {@code space.scores} from index 0: the mean over the
   * heads of the set and the queries, not pooled.
   */
  void recent(ScoreTask task, RecentAttention rule, int from, int to, ScoreSpace space) {
    Arrays.fill(space.scores, 0, to - from, 0);
    for (int i = 0; i < task.numKvHeads(); i++) {
      for (int age = rule.queries() - 1; age >= 0; age--) {
        int seen = task.rows() - age;
        boolean all = rule.scope() == Scope.ALL_ROWS;
        int first = all ? 0 : task.firstCandidate();
        int end = all ? seen : Math.min(seen, task.endCandidate());
        if (first < end) {
          addGroup(task, task.firstKvHead() + i, age, first, end, rule.fold(), from, to, space);
        }
      }
    }
    int heads = task.numKvHeads() * (rule.fold() == Fold.MEAN ? groupSize : 1);
    float divisor = (float) heads * rule.queries();
    for (int j = 0; j < to - from; j++) {
      space.scores[j] /= divisor;
    }
  }

  /**
   * Adds squared attention of the newest queries, softmax over all rows, to {@code [head of the
   * set][row]}.
   */
  void addSquares(ScoreTask task, int queries, double[][] squares, ScoreSpace space) {
    for (int i = 0; i < squares.length; i++) {
      int head = task.firstKvHead() * groupSize + i;
      for (int age = 0; age < queries; age++) {
        int end = task.rows() - age;
        int at = logits(task, head, 0, end, age, -1, space);
        float sum = kernels.exponentials(space.attention, at, end, space.lanes);
        for (int j = 0; j < end; j++) {
          double share = space.attention[at + j] / sum;
          squares[i][j] += share * share;
        }
      }
    }
  }

  int groupSize() {
    return groupSize;
  }

  private void addGroup(
      ScoreTask task,
      int kvHead,
      int age,
      int first,
      int end,
      Fold fold,
      int from,
      int to,
      ScoreSpace space) {
    int count = end - first;
    int low = Math.max(from, first);
    int high = Math.min(to, end);
    for (int g = 0; g < groupSize; g += 2) {
      int at = groupLogits(task, kvHead, g, first, end, age, space);
      for (int h = g; h < Math.min(groupSize, g + 2); h++) {
        int offset = at + (h - g) * space.stride;
        if (fold == Fold.LARGEST_LOGIT) {
          foldLargest(space, offset, count, 1, h == 0);
          continue;
        }
        float share = 1 / kernels.exponentials(space.attention, offset, count, space.lanes);
        if (fold == Fold.LARGEST_SHARE) {
          foldLargest(space, offset, count, share, h == 0);
        } else {
          for (int row = low; row < high; row++) {
            space.scores[row - from] =
                Math.fma(share, space.attention[offset + row - first], space.scores[row - from]);
          }
        }
      }
    }
    if (fold != Fold.MEAN && low < high) {
      float share =
          fold == Fold.LARGEST_LOGIT
              ? 1 / kernels.exponentials(space.folded, 0, count, space.lanes)
              : 1;
      for (int row = low; row < high; row++) {
        space.scores[row - from] =
            Math.fma(share, space.folded[row - first], space.scores[row - from]);
      }
    }
  }

  private static void foldLargest(
      ScoreSpace space, int offset, int count, float factor, boolean begin) {
    float[] folded = space.folded;
    float[] attention = space.attention;
    if (begin) {
      for (int j = 0; j < count; j++) {
        folded[j] = factor * attention[offset + j];
      }
    } else {
      for (int j = 0; j < count; j++) {
        folded[j] = Math.max(folded[j], factor * attention[offset + j]);
      }
    }
  }

  /**
   * Logits of the newest query but {@code age0}, and of that but {@code age1} where not negative.
   */
  private int logits(
      ScoreTask task, int head, int first, int end, int age0, int age1, ScoreSpace space) {
    int kvHead = head / groupSize;
    int query0 = query(task, head, age0);
    return age1 < 0
        ? products.products(
            task.lane(),
            task.layer(),
            kvHead,
            first,
            end,
            task.lane().ring(),
            query0,
            scale,
            space.attention)
        : products.products(
            task.lane(),
            task.layer(),
            kvHead,
            first,
            end,
            task.lane().ring(),
            query0,
            query(task, head, age1),
            scale,
            space.attention,
            space.stride);
  }

  /** Logits of heads g and g + 1 of a group, where there is a second. */
  private int groupLogits(
      ScoreTask task, int kvHead, int g, int first, int end, int age, ScoreSpace space) {
    int head = kvHead * groupSize + g;
    int query0 = query(task, head, age);
    return g + 1 == groupSize
        ? products.products(
            task.lane(),
            task.layer(),
            kvHead,
            first,
            end,
            task.lane().ring(),
            query0,
            scale,
            space.attention)
        : products.products(
            task.lane(),
            task.layer(),
            kvHead,
            first,
            end,
            task.lane().ring(),
            query0,
            query0 + headDim,
            scale,
            space.attention,
            space.stride);
  }

  private int query(ScoreTask task, int head, int age) {
    Lane lane = task.lane();
    int entry = task.layer() * lane.ringDepth() + (lane.position() - 1 - age) % lane.ringDepth();
    return entry * queryDim + head * headDim;
  }

  /** Adds {@code weight * softmax(attention)} to the scores. */
  private void addShare(ScoreSpace space, int offset, int candidates, float weight) {
    if (weight == 0) {
      return;
    }
    float sum = kernels.exponentials(space.attention, offset, candidates, space.lanes);
    float share = weight / sum;
    float[] scores = space.scores;
    float[] attention = space.attention;
    for (int j = 0; j < candidates; j++) {
      scores[j] = Math.fma(share, attention[offset + j], scores[j]);
    }
  }
}
