package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/**
 * {@code policy_attention_*}, {@code policy_redundancy_*}, {@code policy_rank}, {@code
 * policy_move_scores} and {@code policy_unrank}: scores of policies other than RPC. What each
 * computes stands in the kernel files.
 */
public final class PolicyScoreKernel {
  private static final int ATTENTION_BLOCK = 128;
  private static final int RANK_BLOCK = 1024;
  private static final int UNRANK_BLOCK = 256;
  private static final int ROWS_PER_REDUNDANCY_BLOCK = 32;
  private static final int PAGE_ROWS = 64;
  // The first of Numbers.fold, the second of Numbers.scope.
  private static final int MEAN = 0;
  private static final int ALL_ROWS = 1;

  private final Launcher launcher;
  private final HeadShape heads;
  private final CUfunction stats;
  private final CUfunction columns;
  private final CUfunction redundancyRows;
  private final CUfunction redundancySoftmax;
  private final CUfunction rank;
  private final CUfunction moveScores;
  private final CUfunction unrank;

  /** How {@code policy_rank} ranks; the numbers of its comment. */
  public enum Mode {
    RECENT,
    ACCUMULATED,
    IMPORTANCE,
    STORED_MAXIMUM,
    CHUNKS,
    NEWEST,
    RANDOM;

    /** Whether redundancy is read, and ranks may be negative. */
    public boolean readsRedundancy() {
      return this == IMPORTANCE || this == STORED_MAXIMUM;
    }

    /** Whether scores are stored beside rows. */
    public boolean storesScores() {
      return this == ACCUMULATED || this == STORED_MAXIMUM;
    }
  }

  /**
   * The numbers of a rule; those that it does not have are 0.
   *
   * @param mode how candidates are ranked
   * @param scope 0 for a softmax over the candidates, 1 over all rows
   * @param fold 0 for the mean of a group's shares, 1 for its largest logit, 2 for its largest
   *     share
   * @param largestNeighbour size of a pooling by maximum; 1 for none
   * @param averagedNeighbours size of a pooling by average; 1 for none
   * @param chunkRows rows of a chunk
   * @param weight lambda, or the weight of redundancy
   * @param decay what is left of a stored score
   */
  public record Numbers(
      Mode mode,
      int scope,
      int fold,
      int largestNeighbour,
      int averagedNeighbours,
      int chunkRows,
      float weight,
      float decay) {}

  /**
   * Device addresses of a launch.
   *
   * @param due {@code [numDue, 8]} int32: as for {@link RpcScoreKernel}, then rows with a stored
   *     score and the next position
   * @param numDue lanes
   * @param stats see {@link PolicyShape#statsBytes}
   * @param shares see {@link PolicyShape#rowBytes}
   * @param sums the same; redundancy afterwards
   * @param cosines the same
   * @param latest the same
   * @param struck twice as much
   * @param ranks {@code [numDue, layers, sets, maxCandidates]} float
   * @param stored stored scores of all lanes, room for {@code [lanes, layers, kvHeads, laneRows]};
   *     0 where the mode stores none
   * @param laneRows most rows of a lane
   * @param seeds {@code [lanes]} 64-bit keys
   */
  public record Batch(
      long due,
      int numDue,
      long stats,
      long shares,
      long sums,
      long cosines,
      long latest,
      long struck,
      long ranks,
      long stored,
      int laneRows,
      long seeds) {}

  /** Looks the kernels up. */
  public PolicyScoreKernel(Launcher launcher, HeadShape heads) {
    this.launcher = launcher;
    this.heads = heads;
    this.stats = launcher.kernel("policy_attention_stats" + heads.suffix(), 0);
    this.columns = launcher.kernel("policy_attention_columns" + heads.suffix(), 0);
    this.redundancyRows = launcher.kernel("policy_redundancy_rows" + heads.suffix(), 0);
    this.redundancySoftmax = launcher.kernel("policy_redundancy_softmax", 0);
    this.rank = launcher.kernel("policy_rank", 0);
    this.moveScores = launcher.kernel("policy_move_scores", 0);
    this.unrank = launcher.kernel("policy_unrank", 0);
  }

  /**
   * Maxima and sums of the newest queries' attention to all rows, head by head; {@code batch.stats}
   * holds them afterwards.
   */
  void enqueueStatsOverAllRows(
      RpcScoreKernel.Cache cache, Batch batch, int ringRows, PolicyShape shape) {
    attention(cache, batch, ALL_ROWS, MEAN, ringRows, shape)
        .launch(stats, statsLaunch(batch, shape));
  }

  /** All kernels up to the ranks. */
  public void enqueue(
      RpcScoreKernel.Cache cache, Batch batch, Numbers numbers, int ringRows, PolicyShape shape) {
    int layerHeads = shape.numLayers() * heads.numKvHeads();
    if (shape.queries() > 0) {
      attention(cache, batch, numbers.scope(), numbers.fold(), ringRows, shape)
          .launch(stats, statsLaunch(batch, shape));
      attention(cache, batch, numbers.scope(), numbers.fold(), ringRows, shape)
          .launch(
              columns,
              new LaunchShape(shape.pages(), layerHeads, batch.numDue(), ATTENTION_BLOCK, 0));
    }
    if (numbers.mode().readsRedundancy()) {
      redundancy(cache, batch, layerHeads, shape);
    }
    launcher
        .address(batch.shares())
        .address(batch.sums())
        .address(batch.stored())
        .address(batch.seeds())
        .address(batch.due())
        .address(batch.ranks())
        .integer(shape.numLayers())
        .integer(heads.numKvHeads())
        .integer(shape.sets())
        .integer(shape.maxRows())
        .integer(shape.maxCandidates())
        .integer(batch.laneRows())
        .integer(numbers.mode().ordinal())
        .integer(shape.queries())
        .integer(numbers.largestNeighbour() > 1 ? 1 : 0)
        .integer(numbers.largestNeighbour())
        .integer(numbers.chunkRows())
        .number(numbers.weight())
        .number(numbers.decay())
        .launch(
            rank, new LaunchShape(shape.sets(), shape.numLayers(), batch.numDue(), RANK_BLOCK, 0));
  }

  /** Stored scores follow their rows. */
  public void enqueueMove(Batch batch, long slots, PolicyShape shape) {
    launcher
        .address(batch.stored())
        .address(batch.due())
        .address(slots)
        .integer(shape.numLayers())
        .integer(heads.numKvHeads())
        .integer(shape.sets())
        .integer(Math.max(shape.maxKept(), 1))
        .integer(batch.laneRows())
        .launch(
            moveScores,
            new LaunchShape(shape.sets(), shape.numLayers(), batch.numDue(), RANK_BLOCK, 0));
  }

  /** Turns lowest kept ranks back into scores. */
  public void enqueueUnrank(long cuts, int count) {
    launcher
        .address(cuts)
        .integer(count)
        .launch(
            unrank,
            new LaunchShape((count + UNRANK_BLOCK - 1) / UNRANK_BLOCK, 1, 1, UNRANK_BLOCK, 0));
  }

  private void redundancy(
      RpcScoreKernel.Cache cache, Batch batch, int layerHeads, PolicyShape shape) {
    launcher
        .address(cache.layerPool())
        .address(cache.pageTable())
        .address(batch.due())
        .address(batch.sums())
        .address(batch.latest())
        .address(batch.cosines())
        .integer(cache.maxPages())
        .integer(shape.numLayers())
        .integer(heads.numKvHeads())
        .integer(shape.maxRows())
        .launch(
            redundancyRows,
            new LaunchShape(
                shape.pages() * (PAGE_ROWS / ROWS_PER_REDUNDANCY_BLOCK),
                layerHeads,
                batch.numDue(),
                ATTENTION_BLOCK,
                0));
    launcher
        .address(batch.due())
        .address(batch.sums())
        .address(batch.latest())
        .address(batch.cosines())
        .address(batch.struck())
        .integer(shape.numLayers())
        .integer(heads.numKvHeads())
        .integer(shape.maxRows())
        .launch(redundancySoftmax, new LaunchShape(layerHeads, batch.numDue(), 1, RANK_BLOCK, 0));
  }

  private LaunchShape statsLaunch(Batch batch, PolicyShape shape) {
    int layerHeads = shape.numLayers() * heads.numKvHeads();
    return new LaunchShape(shape.strips(), layerHeads, batch.numDue(), ATTENTION_BLOCK, 0);
  }

  private Launcher attention(
      RpcScoreKernel.Cache cache,
      Batch batch,
      int scope,
      int fold,
      int ringRows,
      PolicyShape shape) {
    return launcher
        .address(cache.layerPool())
        .address(cache.pageTable())
        .address(cache.ring())
        .address(batch.due())
        .address(batch.stats())
        .address(batch.shares())
        .integer(cache.maxPages())
        .integer(cache.numLanes())
        .integer(shape.numLayers())
        .integer(heads.numQueryHeads())
        .integer(heads.numKvHeads())
        .integer(ringRows)
        .integer(shape.queries())
        .integer(shape.strips())
        .integer(shape.maxRows())
        .integer(scope)
        .integer(fold)
        .number(heads.scale());
  }
}
