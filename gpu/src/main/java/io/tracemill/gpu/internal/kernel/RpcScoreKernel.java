package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/**
 * {@code rpc_score_stats} and {@code rpc_score_columns}: scores of the candidates of due lanes. On
 * devices of compute capability 9.0 their {@code _wgmma} forms, which deal their work out to one
 * thread block per multiprocessor.
 */
public final class RpcScoreKernel {
  private static final int BLOCK = 256;
  private static final int WGMMA_STATS_BLOCK = 544;
  private static final int WGMMA_COLUMNS_BLOCK = 512;
  private static final int WGMMA_COMPUTE_MAJOR = 9;

  private final Launcher launcher;
  private final HeadShape heads;
  private final boolean warpgroups;
  private final int statsSharedBytes;
  private final int columnsSharedBytes;
  private final CUfunction stats;
  private final CUfunction columns;

  /** Looks the kernels up. */
  public RpcScoreKernel(Launcher launcher, HeadShape heads) {
    this.launcher = launcher;
    this.heads = heads;
    this.warpgroups =
        launcher.device().computeMajor() == WGMMA_COMPUTE_MAJOR && launcher.hasMachineCode();
    this.statsSharedBytes =
        warpgroups ? 8 * 128 * heads.headDim() + 1_152 : 4 * 64 * heads.headDim() * 2;
    this.columnsSharedBytes = 256 * (2 * heads.headDim() + 8);
    String form = (warpgroups ? "_wgmma" : "") + heads.suffix();
    this.stats = launcher.kernel("rpc_score_stats" + form, statsSharedBytes);
    this.columns = launcher.kernel("rpc_score_columns" + form, columnsSharedBytes);
  }

  /**
   * What is scored; device addresses.
   *
   * @param layerPool {@code [layers]} addresses of the layers' pages
   * @param pageTable {@code [lanes, maxPages]} int32
   * @param maxPages entries of a lane's page table
   * @param ring {@code [layers, lanes, ringRows, queryHeads, headDim]} bf16
   * @param numLanes lanes of the ring
   */
  public record Cache(long layerPool, long pageTable, int maxPages, long ring, int numLanes) {}

  /**
   * The lanes of a launch and its scratch memory; device addresses.
   *
   * @param due {@code [numDue, 8]} int32: lane, first candidate slot, candidates, kept, window
   *     rows, newest ring slot, 0, 0
   * @param numDue lanes
   * @param weights {@code [ringRows]} float, oldest first
   * @param stats see {@link CompressionShape#statsBytes}
   * @param offsets see {@link CompressionShape#offsetBytes}
   * @param counters see {@link CompressionShape#counterBytes}; zero before the first launch
   * @param scores see {@link CompressionShape#scoreBytes}
   */
  public record Batch(
      long due, int numDue, long weights, long stats, long offsets, long counters, long scores) {}

  /** Both passes; {@code batch.scores} holds sums over a KV head's queries afterwards. */
  public void enqueue(Cache cache, Batch batch, CompressionShape shape) {
    if (warpgroups) {
      int grid = launcher.device().numMultiprocessors();
      warpgroupParameters(cache, batch, shape)
          .launch(stats, new LaunchShape(grid, 1, 1, WGMMA_STATS_BLOCK, statsSharedBytes));
      warpgroupParameters(cache, batch, shape)
          .launchOfStep(
              columns,
              new LaunchShape(grid, 1, 1, WGMMA_COLUMNS_BLOCK, columnsSharedBytes),
              batch.numDue());
      return;
    }
    int gridY = shape.numLayers() * heads.numKvHeads();
    warpParameters(cache, batch, shape)
        .launch(
            stats,
            new LaunchShape(
                shape.strips(),
                gridY,
                batch.numDue() * shape.rowBlocks(),
                BLOCK,
                statsSharedBytes));
    warpParameters(cache, batch, shape)
        .launch(
            columns,
            new LaunchShape(shape.strips(), gridY, batch.numDue(), BLOCK, columnsSharedBytes));
  }

  private Launcher warpParameters(Cache cache, Batch batch, CompressionShape shape) {
    launcher
        .address(cache.layerPool())
        .address(cache.pageTable())
        .address(cache.ring())
        .address(batch.weights())
        .address(batch.due())
        .address(batch.stats())
        .address(batch.offsets())
        .address(batch.counters())
        .address(batch.scores());
    return sizes(cache, shape);
  }

  private Launcher warpgroupParameters(Cache cache, Batch batch, CompressionShape shape) {
    launcher
        .address(cache.layerPool())
        .address(cache.pageTable())
        .address(cache.ring())
        .address(batch.weights())
        .address(batch.due())
        .address(batch.stats())
        .address(batch.scores());
    return sizes(cache, shape).integer(batch.numDue());
  }

  private Launcher sizes(Cache cache, CompressionShape shape) {
    return launcher
        .integer(cache.maxPages())
        .integer(cache.numLanes())
        .integer(shape.numLayers())
        .integer(heads.numQueryHeads())
        .integer(heads.numKvHeads())
        .integer(shape.ringRows())
        .integer(shape.strips())
        .integer(shape.maxCandidates())
        .number(heads.scale());
  }
}
