package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/**
 * {@code rope_append}: bias, query and key norm, rotation, KV append and query ring of one layer.
 */
public final class RopeAppendKernel {
  private static final int BLOCK = 128;
  private static final int HEADS_PER_BLOCK = 4;

  private final Launcher launcher;
  private final HeadShape heads;
  private final float eps;
  private final CUfunction decode;
  private final CUfunction prefill;

  /** Looks the kernels up. */
  public RopeAppendKernel(Launcher launcher, HeadShape heads, float eps) {
    this.launcher = launcher;
    this.heads = heads;
    this.eps = eps;
    this.decode = launcher.kernel("rope_append_decode" + heads.suffix(), 0);
    this.prefill = launcher.kernel("rope_append_prefill" + heads.suffix(), 0);
  }

  /**
   * What a layer adds; device addresses, 0 where it has none.
   *
   * @param bias {@code [(queryHeads + 2 kvHeads) * headDim]} float
   * @param queryNorm {@code [headDim]} float
   * @param keyNorm {@code [headDim]} float
   */
  public record LayerConstants(long bias, long queryNorm, long keyNorm) {}

  /**
   * Rotation tables, {@code [positions, headDim / 2]} float.
   *
   * @param cosine device address
   * @param sine device address
   */
  public record RopeTables(long cosine, long sine) {}

  /**
   * Where results go.
   *
   * @param pool the layer's pages
   * @param query {@code [rows, queryHeads, headDim]} bf16
   * @param ring the layer's query ring, {@code [lanes, ringRows, queryHeads, headDim]} bf16; 0 for
   *     none
   * @param ringRows depth of the ring
   */
  public record Targets(long pool, long query, long ring, int ringRows) {}

  /** One row per lane at its position. */
  public void enqueueDecode(
      long qkv,
      LayerConstants layer,
      RopeTables tables,
      BatchRows batch,
      Targets targets,
      int rows) {
    common(qkv, layer, tables)
        .address(batch.laneOf())
        .address(batch.position())
        .address(batch.kvLen())
        .address(batch.pageTable())
        .address(targets.pool())
        .address(targets.query())
        .address(targets.ring())
        .integer(batch.maxPages())
        .integer(targets.ringRows())
        .integer(heads.numQueryHeads())
        .integer(heads.numKvHeads())
        .number(eps)
        .launchOfStep(decode, shape(rows), rows);
  }

  /** The rows of prompt chunks; no ring is written. */
  public void enqueuePrefill(
      long qkv,
      LayerConstants layer,
      RopeTables tables,
      Segments segments,
      BatchRows lanes,
      Targets targets) {
    common(qkv, layer, tables)
        .address(segments.row())
        .address(segments.lane())
        .address(segments.position())
        .address(segments.slot())
        .address(lanes.pageTable())
        .address(targets.pool())
        .address(targets.query())
        .integer(segments.numSegments())
        .integer(lanes.maxPages())
        .integer(heads.numQueryHeads())
        .integer(heads.numKvHeads())
        .number(eps)
        .launch(prefill, shape(segments.numRows()));
  }

  private Launcher common(long qkv, LayerConstants layer, RopeTables tables) {
    return launcher
        .address(qkv)
        .address(layer.bias())
        .address(layer.queryNorm())
        .address(layer.keyNorm())
        .address(tables.cosine())
        .address(tables.sine());
  }

  private LaunchShape shape(int rows) {
    int units = heads.numQueryHeads() + 2 * heads.numKvHeads();
    return new LaunchShape(rows, (units + HEADS_PER_BLOCK - 1) / HEADS_PER_BLOCK, 1, BLOCK, 0);
  }
}
