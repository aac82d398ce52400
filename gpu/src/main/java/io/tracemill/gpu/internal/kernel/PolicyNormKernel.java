package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/**
 * {@code policy_norm_squares_*}, {@code policy_norm_count} and {@code policy_norm_decide}: how many
 * candidates a compression keeps where the attention norm says so. Enqueues only; the due lanes on
 * the device hold the count afterwards.
 */
public final class PolicyNormKernel {
  private static final int SQUARES_BLOCK = 128;
  private static final int COUNT_BLOCK = 1024;
  private static final int DECIDE_BLOCK = 32;

  private final Launcher launcher;
  private final HeadShape heads;
  private final PolicyScoreKernel score;
  private final CUfunction squares;
  private final CUfunction count;
  private final CUfunction decide;

  /** Looks the kernels up; {@code score} gives the attention's maxima and sums. */
  public PolicyNormKernel(Launcher launcher, HeadShape heads, PolicyScoreKernel score) {
    this.launcher = launcher;
    this.heads = heads;
    this.score = score;
    this.squares = launcher.kernel("policy_norm_squares" + heads.suffix(), 0);
    this.count = launcher.kernel("policy_norm_count", 0);
    this.decide = launcher.kernel("policy_norm_decide", 0);
  }

  /**
   * Device addresses of what is counted; contents of {@code squares} and {@code fewest} are
   * scratch.
   *
   * @param squares see {@link PolicyShape#headRowBytes}
   * @param pooled what {@link RpcSelectKernel} pooled, see {@link CompressionShape#pooledBytes}
   * @param fewest {@code [numDue, layers, sets]} int32
   * @param kvLen {@code [lanes]} int32, rows of each lane; those of due lanes are set
   * @param kept {@code [numDue]} int32, candidates that stay
   */
  public record Counts(long squares, long pooled, long fewest, long kvLen, long kept) {}

  /**
   * Counts, and writes the counts into the due lanes.
   *
   * @param batch its {@code stats} are overwritten
   * @param threshold largest share of the norm that may be lost
   * @param shape with the queries that are asked
   */
  public void enqueue(
      RpcScoreKernel.Cache cache,
      PolicyScoreKernel.Batch batch,
      Counts counts,
      double threshold,
      int ringRows,
      PolicyShape shape) {
    score.enqueueStatsOverAllRows(cache, batch, ringRows, shape);
    launcher
        .address(cache.layerPool())
        .address(cache.pageTable())
        .address(cache.ring())
        .address(batch.due())
        .address(batch.stats())
        .address(counts.squares())
        .integer(cache.maxPages())
        .integer(cache.numLanes())
        .integer(shape.numLayers())
        .integer(heads.numQueryHeads())
        .integer(heads.numKvHeads())
        .integer(ringRows)
        .integer(shape.queries())
        .integer(shape.strips())
        .integer(shape.maxRows())
        .number(heads.scale())
        .launch(
            squares,
            new LaunchShape(
                shape.pages(),
                shape.numLayers() * heads.numKvHeads(),
                batch.numDue(),
                SQUARES_BLOCK,
                0));
    launcher
        .address(counts.squares())
        .address(counts.pooled())
        .address(batch.due())
        .address(counts.fewest())
        .integer(shape.numLayers())
        .integer(heads.numQueryHeads())
        .integer(shape.sets())
        .integer(shape.maxRows())
        .integer(shape.maxCandidates())
        .preciseNumber(threshold)
        .launch(
            count,
            new LaunchShape(shape.sets(), shape.numLayers(), batch.numDue(), COUNT_BLOCK, 0));
    launcher
        .address(counts.fewest())
        .address(batch.due())
        .address(counts.kvLen())
        .address(counts.kept())
        .integer(shape.numLayers() * shape.sets())
        .launch(decide, new LaunchShape(batch.numDue(), 1, 1, DECIDE_BLOCK, 0));
  }
}
