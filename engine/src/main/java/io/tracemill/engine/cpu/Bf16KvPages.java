package io.tracemill.engine.cpu;

/** A KV pool of rows rounded to bf16, two elements to an {@code int}. */
final class Bf16KvPages implements KvPages {
  private final int numLayers;
  private final int numKvHeads;
  private final int headDim;
  private final int width;
  private final int pageLength;

  /** {@code [page][layer][element]}. */
  private final int[][][] pages;

  Bf16KvPages(int numPages, int numLayers, int numKvHeads, int headDim) {
    this.numLayers = numLayers;
    this.numKvHeads = numKvHeads;
    this.headDim = headDim;
    this.width = KvPages.valueWidth(headDim);
    this.pageLength = KvPages.pageElements(numKvHeads, headDim) / 2;
    this.pages = new int[numPages][][];
  }

  @Override
  public long pageBytes() {
    return 4L * pageLength * numLayers;
  }

  @Override
  public void allocate(int page) {
    if (pages[page] == null) {
      int[][] layers = new int[numLayers][pageLength];
      pages[page] = layers;
    }
  }

  private int keys(int head) {
    return head * (pageLength / numKvHeads);
  }

  private int values(int head) {
    return keys(head) + headDim * (ROWS / 2);
  }

  @Override
  public void store(
      int page,
      int layer,
      int head,
      int row,
      float[] key,
      int keyOffset,
      float[] value,
      int valueOffset) {
    int[] pairs = pages[page][layer];
    int keys = keys(head) + Bf16Pairs.pair(row);
    int values = values(head) + row * (width / 2);
    for (int d = 0; d < headDim; d++) {
      Bf16Pairs.set(pairs, keys + d * (ROWS / 2), row, key[keyOffset + d]);
      Bf16Pairs.set(pairs, values + Bf16Pairs.pair(d), d, value[valueOffset + d]);
    }
  }

  @Override
  public void move(int layer, int head, int fromPage, int fromRow, int toPage, int toRow) {
    int[] from = pages[fromPage][layer];
    int[] to = pages[toPage][layer];
    int fromKeys = keys(head) + Bf16Pairs.pair(fromRow);
    int toKeys = keys(head) + Bf16Pairs.pair(toRow);
    for (int d = 0; d < headDim; d++) {
      int at = d * (ROWS / 2);
      Bf16Pairs.put(to, toKeys + at, toRow, Bf16Pairs.get(from, fromKeys + at, fromRow));
    }
    int values = values(head);
    int length = width / 2;
    System.arraycopy(from, values + fromRow * length, to, values + toRow * length, length);
  }

  @Override
  public void readKey(int page, int layer, int head, int row, float[] out, int offset) {
    int[] pairs = pages[page][layer];
    int keys = keys(head) + Bf16Pairs.pair(row);
    for (int d = 0; d < headDim; d++) {
      out[offset + d] = Bf16Pairs.value(pairs, keys + d * (ROWS / 2), row);
    }
  }

  @Override
  public void readValue(int page, int layer, int head, int row, float[] out, int offset) {
    int[] pairs = pages[page][layer];
    int values = values(head) + row * (width / 2);
    for (int d = 0; d < headDim; d++) {
      out[offset + d] = Bf16Pairs.value(pairs, values + Bf16Pairs.pair(d), d);
    }
  }

  @Override
  public void keyScores(
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
      int scores1) {
    kernels.keyScores(
        pages[page][layer],
        keys(head),
        headDim,
        queries,
        query0,
        query1,
        scale,
        scores,
        scores0,
        scores1);
  }

  @Override
  public void keyScores(
      CpuKernels kernels,
      int page,
      int layer,
      int head,
      float[] queries,
      int query,
      float scale,
      float[] scores,
      int scoresOffset) {
    kernels.keyScores(
        pages[page][layer], keys(head), headDim, queries, query, scale, scores, scoresOffset);
  }

  @Override
  public void weightedValues(
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
      int out1) {
    kernels.weightedValues(
        pages[page][layer],
        values(head),
        width,
        rows,
        weights,
        weights0,
        weights1,
        out,
        out0,
        out1);
  }

  @Override
  public void weightedValues(
      CpuKernels kernels,
      int page,
      int layer,
      int head,
      int rows,
      float[] weights,
      int weightsOffset,
      float[] out,
      int outOffset) {
    kernels.weightedValues(
        pages[page][layer], values(head), width, rows, weights, weightsOffset, out, outOffset);
  }
}
