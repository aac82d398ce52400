package io.tracemill.engine.cpu;

import io.tracemill.engine.kvcache.KvLayout;

/**
 * The bytes of the KV pool. A page of one layer holds, for each KV head, transposed keys {@code
 * [headDim][64]} and values {@code [64][valueWidth]}: both products of attention then run along
 * vectors without adding up lanes. Pages are allocated when they are first mapped and kept.
 *
 * <p><b>Threads.</b> Different (page, layer, head) may be used by different threads.
 */
sealed interface KvPages permits Float32KvPages, Bf16KvPages {
  /** Rows per page. */
  int ROWS = KvLayout.PAGE_SIZE_TOKENS;

  /** Elements of a stored value row: the head dimension, filled up to whole vector pairs. */
  static int valueWidth(int headDim) {
    return (headDim + 31) / 32 * 32;
  }

  /** Elements of a page of one layer. */
  static int pageElements(int numKvHeads, int headDim) {
    return numKvHeads * ROWS * (headDim + valueWidth(headDim));
  }

  /** Bytes of a page over all layers as it is stored. */
  long pageBytes();

  /** Makes sure that a page has memory. */
  void allocate(int page);

  /** Stores the key and value of one row of one head. */
  void store(
      int page,
      int layer,
      int head,
      int row,
      float[] key,
      int keyOffset,
      float[] value,
      int valueOffset);

  /** Copies one row of one head onto another place. */
  void move(int layer, int head, int fromPage, int fromRow, int toPage, int toRow);

  /** Reads the key of one row of one head, {@code [headDim]}. */
  void readKey(int page, int layer, int head, int row, float[] out, int offset);

  /** Reads the value of one row of one head, {@code [headDim]}. */
  void readValue(int page, int layer, int head, int row, float[] out, int offset);

  /** Scores of two queries against all 64 rows; see {@link CpuKernels}. */
  void keyScores(
      CpuKernels kernels,
      int page,
      int layer,
      int head,
      float[] queries,
      int query0,
      int query1,
      float scale,
      float[] scores,
      int scores0,
      int scores1);

  /** As above, for one query. */
  void keyScores(
      CpuKernels kernels,
      int page,
      int layer,
      int head,
      float[] queries,
      int query,
      float scale,
      float[] scores,
      int scoresOffset);

  /** Adds the weighted values of the first {@code rows} rows for two heads. */
  void weightedValues(
      CpuKernels kernels,
      int page,
      int layer,
      int head,
      int rows,
      float[] weights,
      int weights0,
      int weights1,
      float[] out,
      int out0,
      int out1);

  /** As above, for one head. */
  void weightedValues(
      CpuKernels kernels,
      int page,
      int layer,
      int head,
      int rows,
      float[] weights,
      int weightsOffset,
      float[] out,
      int outOffset);
}
