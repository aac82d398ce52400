package io.tracemill.engine.cpu;

import io.tracemill.engine.cpu.CpuWeights.Layer;
import io.tracemill.engine.model.ModelConfig;
import java.util.Arrays;

/**
 * Attention of one row in one KV head: normalises and rotates its queries and its key, appends key
 * and value, and attends to all rows up to its own.
 *
 * <p>Each output is the exact softmax over all rows, with products summed row by row inside a page
 * and page by page; nothing depends on which other rows are in the batch.
 */
final class AttentionStep {
  private final CpuKernels kernels;
  private final KvPages pages;
  private final RotaryTable rotary;
  private final int groupSize;
  private final int numKvHeads;
  private final int headDim;
  private final int queryDim;
  private final int kvDim;
  private final int rowWidth;
  private final int valueWidth;
  private final int scoreStride;
  private final float epsilon;
  private final float scale;
  private QueryObserver observer = QueryObserver.NONE;

  AttentionStep(
      ModelConfig config,
      CpuKernels kernels,
      KvPages pages,
      RotaryTable rotary,
      int rowWidth,
      int scoreStride) {
    this.kernels = kernels;
    this.pages = pages;
    this.rotary = rotary;
    this.groupSize = config.queryGroupSize();
    this.numKvHeads = config.numKvHeads();
    this.headDim = config.headDim();
    this.queryDim = config.queryDim();
    this.kvDim = config.kvDim();
    this.rowWidth = rowWidth;
    this.valueWidth = KvPages.valueWidth(headDim);
    this.scoreStride = scoreStride;
    this.epsilon = config.rmsNormEps();
    this.scale = (float) (1 / Math.sqrt(headDim));
  }

  void observeQueries(QueryObserver newObserver) {
    observer = newObserver;
  }

  /**
   * Prepares queries and key of a row in place and stores key and value; a decoded row's queries go
   * to the ring as well.
   *
   * @param projected {@code [rows, rowWidth]}: queries, keys and values of all heads
   */
  void append(
      BatchRows rows,
      int row,
      int layerIndex,
      Layer layer,
      int kvHead,
      float[] projected,
      WorkerScratch scratch) {
    Lane lane = rows.lane(row);
    int position = rows.position(row);
    int base = row * rowWidth;
    int firstQuery = base + kvHead * groupSize * headDim;
    for (int g = 0; g < groupSize; g++) {
      int query = firstQuery + g * headDim;
      normalise(projected, query, layer.queryNorm(), scratch);
      observer.query(layerIndex, kvHead * groupSize + g, projected, query);
      rotary.rotate(projected, query, position);
    }
    int key = base + queryDim + kvHead * headDim;
    normalise(projected, key, layer.keyNorm(), scratch);
    rotary.rotate(projected, key, position);
    int slot = rows.slot(row);
    pages.store(
        lane.page(slot / KvPages.ROWS),
        layerIndex,
        kvHead,
        slot % KvPages.ROWS,
        projected,
        key,
        projected,
        key + kvDim);
    if (rows.kind() == BatchRows.Kind.DECODE && lane.ringDepth() > 0) {
      int entry = layerIndex * lane.ringDepth() + position % lane.ringDepth();
      System.arraycopy(
          projected,
          firstQuery,
          lane.ring(),
          entry * queryDim + kvHead * groupSize * headDim,
          groupSize * headDim);
    }
  }

  private void normalise(float[] head, int offset, float[] weight, WorkerScratch scratch) {
    if (weight.length > 0) {
      kernels.rmsNorm(head, offset, weight, headDim, epsilon, head, offset, scratch.lanes);
    }
  }

  /**
   * Attends from a row whose key is stored.
   *
   * @param out {@code [rows, outWidth]}: the outputs of all query heads
   */
  void attend(
      BatchRows rows,
      int row,
      int layerIndex,
      int kvHead,
      float[] projected,
      float[] out,
      int outWidth,
      WorkerScratch scratch) {
    Lane lane = rows.lane(row);
    int attended = rows.slot(row) + 1;
    int numPages = (attended + KvPages.ROWS - 1) / KvPages.ROWS;
    int firstQuery = row * rowWidth + kvHead * groupSize * headDim;
    for (int entry = 0; entry < numPages; entry++) {
      scorePage(lane.page(entry), entry, layerIndex, kvHead, projected, firstQuery, scratch.scores);
    }
    Arrays.fill(scratch.values, 0, groupSize * valueWidth, 0);
    int firstOut = row * outWidth + kvHead * groupSize * headDim;
    for (int g = 0; g < groupSize; g++) {
      // Kept in the output until the division below.
      out[firstOut + g * headDim] =
          kernels.exponentials(scratch.scores, g * scoreStride, attended, scratch.lanes);
    }
    for (int entry = 0; entry < numPages; entry++) {
      int count = Math.min(KvPages.ROWS, attended - entry * KvPages.ROWS);
      addPage(lane.page(entry), entry, count, layerIndex, kvHead, scratch);
    }
    for (int g = 0; g < groupSize; g++) {
      int at = firstOut + g * headDim;
      float inverse = 1 / out[at];
      for (int d = 0; d < headDim; d++) {
        out[at + d] = scratch.values[g * valueWidth + d] * inverse;
      }
    }
  }

  private void scorePage(
      int page,
      int entry,
      int layer,
      int kvHead,
      float[] projected,
      int firstQuery,
      float[] scores) {
    int at = entry * KvPages.ROWS;
    int g = 0;
    for (; g + 2 <= groupSize; g += 2) {
      int query = firstQuery + g * headDim;
      int first = g * scoreStride + at;
      pages.keyScores(
          kernels,
          page,
          layer,
          kvHead,
          projected,
          query,
          query + headDim,
          scale,
          scores,
          first,
          first + scoreStride);
    }
    if (g < groupSize) {
      int query = firstQuery + g * headDim;
      pages.keyScores(
          kernels, page, layer, kvHead, projected, query, scale, scores, g * scoreStride + at);
    }
  }

  private void addPage(
      int page, int entry, int count, int layer, int kvHead, WorkerScratch scratch) {
    int at = entry * KvPages.ROWS;
    int g = 0;
    for (; g + 2 <= groupSize; g += 2) {
      int weights = g * scoreStride + at;
      pages.weightedValues(
          kernels,
          page,
          layer,
          kvHead,
          count,
          scratch.scores,
          weights,
          weights + scoreStride,
          scratch.values,
          g * valueWidth,
          (g + 1) * valueWidth);
    }
    if (g < groupSize) {
      pages.weightedValues(
          kernels,
          page,
          layer,
          kvHead,
          count,
          scratch.scores,
          g * scoreStride + at,
          scratch.values,
          g * valueWidth);
    }
  }

  int numKvHeads() {
    return numKvHeads;
  }
}
