package io.tracemill.engine.cpu;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.RowPlan;
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
  private final KvPages pages;
  private final WorkerPool pool;
  private final ScoreSpace[] spaces;
  private final CandidateScores scores;
  private final NormKeeper keeper;
  private final WorkerPool.Work count = this::countLayer;
  private final WorkerPool.Work work = this::compressLayer;

  private List<LaneCompression> compressions = List.of();
  private Lane[] lanes = new Lane[0];
  // By (place in the batch, layer): lowest kept score, ranks and counts of the first pass.
  private float[] cuts = new float[0];
  private float[][][] ranked = new float[0][][];
  private int[] fewest = new int[0];
  private int[] kept = new int[0];
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

  Compressor(ModelConfig config, CpuKernels kernels, KvPages pages, WorkerPool pool) {
    this.config = config;
    this.pages = pages;
    this.pool = pool;
    this.scores = new CandidateScores(config, kernels, pages);
    this.keeper = new NormKeeper(scores.shares());
    this.spaces = new ScoreSpace[pool.size()];
    Arrays.setAll(spaces, i -> new ScoreSpace());
  }

  void trace(CompressionTrace trace) {
    this.trace = trace;
  }

  /** What became of a batch, by place in it. */
  record Outcome(float[] cuts, int[] rowsBeyondPlan) {}

  /**
   * Compresses the lanes in place and shrinks them.
   *
   * @return per lane the lowest kept score, the mean over layers and sets, and the rows that its
   *     keep rule dropped beyond the plan
   */
  Outcome compress(List<LaneCompression> batch, Lane[] allLanes) {
    compressions = batch;
    lanes = allLanes;
    int numLayers = config.numLayers();
    int tasks = batch.size() * numLayers;
    cuts = new float[tasks];
    kept = new int[batch.size()];
    ranked = new float[tasks][][];
    boolean counting = false;
    for (int i = 0; i < kept.length; i++) {
      LaneCompression compression = batch.get(i);
      kept[i] = compression.plan().retained();
      counting |= compression.keep() != KeepRule.AS_PLANNED;
      if (CandidateScores.storesScores(compression.rule())) {
        lanes[compression.lane()]
            .rowScores()
            .prepare(numLayers * sets(compression), compression.plan().rowsBefore());
      }
    }
    if (counting) {
      fewest = new int[tasks];
      pool.forEach(tasks, count);
      for (int task = 0; task < tasks; task++) {
        int i = task / numLayers;
        if (batch.get(i).keep() != KeepRule.AS_PLANNED) {
          // The layer that needs most decides; the plan stays the bound.
          int before = task % numLayers == 0 ? 0 : kept[i];
          kept[i] = Math.min(batch.get(i).plan().retained(), Math.max(before, fewest[task]));
        }
      }
    }
    pool.forEach(tasks, work);
    return finish(batch);
  }

  private Outcome finish(List<LaneCompression> batch) {
    int numLayers = config.numLayers();
    float[] means = new float[batch.size()];
    int[] beyond = new int[batch.size()];
    for (int i = 0; i < means.length; i++) {
      // The largest float is a score, of which two are no float any more.
      double sum = 0;
      for (int layer = 0; layer < numLayers; layer++) {
        sum += cuts[i * numLayers + layer];
      }
      means[i] = (float) (sum / numLayers);
      RowPlan plan = batch.get(i).plan();
      beyond[i] = plan.retained() - kept[i];
      int rowsAfter = plan.rowsAfter() - beyond[i];
      Lane lane = lanes[batch.get(i).lane()];
      lane.shrink(rowsAfter);
      lane.rowScores().shrink(rowsAfter);
    }
    return new Outcome(means, beyond);
  }

  private int sets(LaneCompression compression) {
    return compression.rule().aggregation() == HeadAggregation.ALL ? 1 : config.numKvHeads();
  }

  private ScoreTask task(LaneCompression compression, int layer, int set) {
    int sets = sets(compression);
    int kvHeads = config.numKvHeads() / sets;
    return new ScoreTask(
        lanes[compression.lane()], layer, compression.plan(), set, sets, set * kvHeads, kvHeads);
  }

  /** First pass over a layer whose keep rule looks at data: ranks, and counts what has to stay. */
  private void countLayer(int index, int worker) {
    LaneCompression compression = compressions.get(index / config.numLayers());
    if (!(compression.keep() instanceof KeepRule.AttentionNorm norm)) {
      return;
    }
    ScoreSpace space = spaces[worker];
    space.ensure(compression.plan().rowsBefore());
    ranked[index] = new float[sets(compression)][];
    for (int set = 0; set < ranked[index].length; set++) {
      ScoreTask task = task(compression, index % config.numLayers(), set);
      scores.rank(task, compression.rule(), space);
      ranked[index][set] = Arrays.copyOf(space.pooled, compression.plan().candidates());
      fewest[index] = Math.max(fewest[index], keeper.fewest(task, norm, ranked[index][set], space));
    }
  }

  private void compressLayer(int index, int worker) {
    int batchIndex = index / config.numLayers();
    LaneCompression compression = compressions.get(batchIndex);
    ScoreSpace space = spaces[worker];
    RowPlan plan = compression.plan();
    space.ensure(plan.rowsBefore());
    int keep = kept[batchIndex];
    int sets = sets(compression);
    double cutSum = 0;
    for (int set = 0; set < sets; set++) {
      ScoreTask task = task(compression, index % config.numLayers(), set);
      if (ranked[index] == null) {
        scores.rank(task, compression.rule(), space);
      } else {
        System.arraycopy(ranked[index][set], 0, space.pooled, 0, plan.candidates());
      }
      TokenSelector.select(space.pooled, plan.candidates(), keep, space.retained);
      cutSum += lowestKept(space, keep);
      trace.selected(
          task.lane().id, task.layer(), set, space.pooled, plan.candidates(), space.retained, keep);
      if (CandidateScores.storesScores(compression.rule())) {
        float[] stored = task.lane().rowScores().of(task.setIndex());
        RowScores.moveTogether(stored, plan, space.retained, keep);
      }
      for (int i = 0; i < task.numKvHeads(); i++) {
        moveTogether(task, task.firstKvHead() + i, space.retained, keep);
      }
    }
    cuts[index] = (float) (cutSum / sets);
  }

  private static float lowestKept(ScoreSpace space, int kept) {
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
  private void moveTogether(ScoreTask task, int head, int[] retained, int keep) {
    RowPlan plan = task.plan();
    int to = plan.protectedRows();
    for (int i = 0; i < keep; i++) {
      move(task.lane(), task.layer(), head, plan.protectedRows() + retained[i], to++);
    }
    int window = plan.protectedRows() + plan.candidates();
    for (int i = 0; i < plan.windowRows(); i++) {
      move(task.lane(), task.layer(), head, window + i, to++);
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
