package io.tracemill.engine.cpu;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.compress.TokenSelector;
import io.tracemill.engine.model.ModelConfig;
import java.util.Arrays;
import java.util.List;

/**
 * Compresses lanes: scores the candidates of each layer, keeps the best and closes the gaps. One
 * task is one layer of one lane, so its results depend on nothing else.
 */
final class Compressor {
  private final ModelConfig config;
  private final CpuKernels kernels;
  private final KvPages pages;
  private final WorkerPool pool;
  private final Space[] spaces;
  private final float scale;
  private final WorkerPool.Work work = this::compressLayer;

  private List<LaneCompression> compressions = List.of();
  private Lane[] lanes = new Lane[0];
  private float[] cuts = new float[0];
  private CompressionTrace trace = CompressionTrace.NONE;

  /** Sees what each layer decided; for tests. */
  interface CompressionTrace {
    CompressionTrace NONE = (lane, layer, set, pooled, candidates, retained, kept) -> {};

    /**
     * One retained set.
     *
     * @param set 0, or the KV head whose set it is
     * @param pooled {@code [candidates]}; valid during the call
     * @param retained {@code [kept]}; valid during the call
     */
    void selected(
        int lane, int layer, int set, float[] pooled, int candidates, int[] retained, int kept);
  }

  /** Working space of one worker; grows to the longest sequence. */
  private static final class Space {
    float[] attention = new float[0];
    float[] scores = new float[0];
    float[] pooled = new float[0];
    int[] retained = new int[0];
    final float[] lanes = new float[CpuKernels.LANES];

    void ensure(int stride) {
      if (scores.length < stride) {
        attention = new float[2 * stride];
        scores = new float[stride];
        pooled = new float[stride];
        retained = new int[stride];
      }
    }
  }

  Compressor(ModelConfig config, CpuKernels kernels, KvPages pages, WorkerPool pool) {
    this.config = config;
    this.kernels = kernels;
    this.pages = pages;
    this.pool = pool;
    this.scale = (float) (1 / Math.sqrt(config.headDim()));
    this.spaces = new Space[pool.size()];
    for (int i = 0; i < spaces.length; i++) {
      spaces[i] = new Space();
    }
  }

  void trace(CompressionTrace trace) {
    this.trace = trace;
  }

  /**
   * Compresses the lanes in place and shrinks them.
   *
   * @return the lowest kept score per lane, the mean over layers and sets
   */
  float[] compress(List<LaneCompression> batch, Lane[] allLanes) {
    compressions = batch;
    lanes = allLanes;
    int numLayers = config.numLayers();
    cuts = new float[batch.size() * numLayers];
    pool.forEach(cuts.length, work);
    float[] means = new float[batch.size()];
    for (int i = 0; i < means.length; i++) {
      float sum = 0;
      for (int layer = 0; layer < numLayers; layer++) {
        sum += cuts[i * numLayers + layer];
      }
      means[i] = sum / numLayers;
      lanes[batch.get(i).lane()].shrink(batch.get(i).plan().rowsAfter());
    }
    return means;
  }

  private void compressLayer(int task, int worker) {
    LaneCompression compression = compressions.get(task / config.numLayers());
    int layer = task % config.numLayers();
    Lane lane = lanes[compression.lane()];
    Space space = spaces[worker];
    space.ensure(WorkerScratch.scoreStride(compression.plan().rowsBefore()) + KvPages.ROWS);
    ScoreRule.SelectorAttention rule = (ScoreRule.SelectorAttention) compression.rule();
    RowPlan plan = compression.plan();
    boolean shared = rule.aggregation() == HeadAggregation.ALL;
    int sets = shared ? 1 : config.numKvHeads();
    int headsPerSet = config.numQueryHeads() / sets;
    float cutSum = 0;
    for (int set = 0; set < sets; set++) {
      score(lane, layer, set * headsPerSet, headsPerSet, plan, rule, space);
      TokenSelector.pool(space.scores, plan.candidates(), rule.poolingKernelSize(), space.pooled);
      TokenSelector.select(space.pooled, plan.candidates(), plan.retained(), space.retained);
      cutSum += lowestKept(space, plan.retained());
      trace.selected(
          lane.id, layer, set, space.pooled, plan.candidates(), space.retained, plan.retained());
      int firstHead = shared ? 0 : set;
      int lastHead = shared ? config.numKvHeads() : set + 1;
      for (int head = firstHead; head < lastHead; head++) {
        moveTogether(lane, layer, head, plan, space.retained);
      }
    }
    cuts[task] = cutSum / sets;
  }

  /** Mean over query heads of the attention that the ring's queries pay to the candidates. */
  private void score(
      Lane lane,
      int layer,
      int firstHead,
      int numHeads,
      RowPlan plan,
      ScoreRule.SelectorAttention rule,
      Space space) {
    int candidates = plan.candidates();
    Arrays.fill(space.scores, 0, candidates, 0);
    List<Float> weights = rule.ringWeights();
    int depth = lane.ringDepth();
    int layerRing = layer * depth * config.queryDim();
    int oldest = lane.position() - weights.size();
    int stride = space.scores.length;
    for (int head = firstHead; head < firstHead + numHeads; head++) {
      int kvHead = head / config.queryGroupSize();
      int headRing = layerRing + head * config.headDim();
      for (int r = 0; r < weights.size(); r += 2) {
        boolean two = r + 1 < weights.size();
        int query0 = headRing + (oldest + r) % depth * config.queryDim();
        int query1 = headRing + (oldest + r + 1) % depth * config.queryDim();
        int first = scorePages(lane, layer, kvHead, plan, query0, query1, two, space, stride);
        addShare(space, first, candidates, weights.get(r));
        if (two) {
          addShare(space, stride + first, candidates, weights.get(r + 1));
        }
      }
    }
    for (int j = 0; j < candidates; j++) {
      space.scores[j] /= numHeads;
    }
  }

  /** Scores of one or two queries; returns where the first candidate's score is. */
  private int scorePages(
      Lane lane,
      int layer,
      int kvHead,
      RowPlan plan,
      int query0,
      int query1,
      boolean two,
      Space space,
      int stride) {
    int firstEntry = plan.protectedRows() / KvPages.ROWS;
    int lastEntry = (plan.protectedRows() + plan.candidates() - 1) / KvPages.ROWS;
    for (int entry = firstEntry; entry <= lastEntry; entry++) {
      int page = lane.page(entry);
      int at = (entry - firstEntry) * KvPages.ROWS;
      if (two) {
        pages.keyScores(
            kernels,
            page,
            layer,
            kvHead,
            lane.ring(),
            query0,
            query1,
            scale,
            space.attention,
            at,
            stride + at);
      } else {
        pages.keyScores(
            kernels, page, layer, kvHead, lane.ring(), query0, scale, space.attention, at);
      }
    }
    return plan.protectedRows() - firstEntry * KvPages.ROWS;
  }

  /** Adds {@code weight * softmax(attention)} to the scores. */
  private void addShare(Space space, int offset, int candidates, float weight) {
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

  private static float lowestKept(Space space, int kept) {
    if (kept == 0) {
      return 0;
    }
    float lowest = Float.POSITIVE_INFINITY;
    for (int i = 0; i < kept; i++) {
      lowest = Math.min(lowest, space.pooled[space.retained[i]]);
    }
    return lowest;
  }

  /** Moves kept rows to the front, in order: a row's new place is never behind its old one. */
  private void moveTogether(Lane lane, int layer, int head, RowPlan plan, int[] retained) {
    int to = plan.protectedRows();
    for (int i = 0; i < plan.retained(); i++) {
      move(lane, layer, head, plan.protectedRows() + retained[i], to++);
    }
    int window = plan.protectedRows() + plan.candidates();
    for (int i = 0; i < plan.windowRows(); i++) {
      move(lane, layer, head, window + i, to++);
    }
  }

  private void move(Lane lane, int layer, int head, int from, int to) {
    if (from != to) {
      pages.move(
          layer,
          head,
          lane.page(from / KvPages.ROWS),
          from % KvPages.ROWS,
          lane.page(to / KvPages.ROWS),
          to % KvPages.ROWS);
    }
  }
}
