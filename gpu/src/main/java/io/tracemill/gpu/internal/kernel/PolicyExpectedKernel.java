package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/**
 * {@code policy_expected_queries}, {@code policy_expected_scores_*} and {@code
 * policy_expected_rank}: attention expected of queries to come, from a model's mean queries.
 * Enqueues only. Ranks are those of scores that may be negative, see {@link
 * PolicyScoreKernel#enqueueUnrank}.
 */
public final class PolicyExpectedKernel {
  private static final int SCORE_BLOCK = 128;
  private static final int RANK_BLOCK = 1024;
  private static final int MOMENT_BYTES = 2 * Float.BYTES;

  private final Launcher launcher;
  private final HeadShape heads;
  private final CUfunction queries;
  private final CUfunction scores;
  private final CUfunction rank;

  /** Looks the kernels up. */
  public PolicyExpectedKernel(Launcher launcher, HeadShape heads) {
    this.launcher = launcher;
    this.heads = heads;
    this.queries = launcher.kernel("policy_expected_queries", 0);
    this.scores = launcher.kernel("policy_expected_scores" + heads.suffix(), 0);
    this.rank = launcher.kernel("policy_expected_rank", heads.numQueryHeads() * MOMENT_BYTES);
  }

  /**
   * A model's mean queries on the device.
   *
   * @param means {@code [layers, queryHeads, headDim / 2, 3]} float: real part, imaginary part,
   *     mean modulus
   * @param frequencies {@code [headDim / 2]} float, radians per position
   * @param factor factor of the rotary embedding
   */
  public record Calibration(long means, long frequencies, float factor) {}

  /**
   * Device addresses of a launch.
   *
   * @param due {@code [numDue, 8]} int32, as for {@link PolicyScoreKernel}
   * @param numDue lanes
   * @param scores see {@link PolicyShape#headRowBytes}
   * @param queries see {@link PolicyShape#madeQueryBytes}
   * @param ranks {@code [numDue, layers, sets, maxCandidates]} float
   */
  public record Batch(long due, int numDue, long scores, long queries, long ranks) {}

  /** All kernels up to the ranks. */
  public void enqueue(
      RpcScoreKernel.Cache cache, Batch batch, Calibration calibration, PolicyShape shape) {
    launcher
        .address(calibration.means())
        .address(calibration.frequencies())
        .address(batch.due())
        .address(batch.queries())
        .integer(shape.numLayers())
        .integer(heads.numQueryHeads())
        .integer(heads.headDim() / 2)
        .number(calibration.factor())
        .launch(queries, new LaunchShape(shape.numLayers(), batch.numDue(), 1, SCORE_BLOCK, 0));
    launcher
        .address(cache.layerPool())
        .address(cache.pageTable())
        .address(batch.due())
        .address(batch.queries())
        .address(batch.scores())
        .integer(cache.maxPages())
        .integer(shape.numLayers())
        .integer(heads.numQueryHeads())
        .integer(heads.numKvHeads())
        .integer(shape.maxRows())
        .launch(
            scores,
            new LaunchShape(
                shape.pages(),
                shape.numLayers() * heads.numKvHeads(),
                batch.numDue(),
                SCORE_BLOCK,
                0));
    launcher
        .address(batch.scores())
        .address(batch.due())
        .address(batch.ranks())
        .integer(shape.numLayers())
        .integer(heads.numQueryHeads())
        .integer(shape.sets())
        .integer(shape.maxRows())
        .integer(shape.maxCandidates())
        .launch(
            rank,
            new LaunchShape(
                shape.sets(),
                shape.numLayers(),
                batch.numDue(),
                RANK_BLOCK,
                heads.numQueryHeads() / shape.sets() * MOMENT_BYTES));
  }
}
