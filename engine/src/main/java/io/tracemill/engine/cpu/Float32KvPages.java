package io.tracemill.engine.cpu;

/** A KV pool of float32 rows. */
final class Float32KvPages implements KvPages {
  private final int numLayers;
  private final int numKvHeads;
  private final int headDim;
  private final int width;
  private final int pageLength;

  /** {@code [page][layer][element]}. */
  private final float[][][] pages;

  Float32KvPages(int numPages, int numLayers, int numKvHeads, int headDim) {
    this.numLayers = numLayers;
    this.numKvHeads = numKvHeads;
    this.headDim = headDim;
    this.width = KvPages.valueWidth(headDim);
    this.pageLength = KvPages.pageElements(numKvHeads, headDim);
    this.pages = new float[numPages][][];
  }

  @Override
  public long pageBytes() {
    return 4L * pageLength * numLayers;
  }

  @Override
  public void allocate(int page) {
    if (pages[page] == null) {
      float[][] layers = new float[numLayers][pageLength];
      pages[page] = layers;
    }
  }

  private int keys(int head) {
    return head * (pageLength / numKvHeads);
  }

  private int values(int head) {
    return keys(head) + headDim * ROWS;
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
    float[] elements = pages[page][layer];
    int keys = keys(head) + row;
    for (int d = 0; d < headDim; d++) {
      elements[keys + d * ROWS] = key[keyOffset + d];
    }
    System.arraycopy(value, valueOffset, elements, values(head) + row * width, headDim);
  }

  @Override
  public void move(int layer, int head, int fromPage, int fromRow, int toPage, int toRow) {
    float[] from = pages[fromPage][layer];
    float[] to = pages[toPage][layer];
    int keys = keys(head);
    for (int d = 0; d < headDim; d++) {
      to[keys + d * ROWS + toRow] = from[keys + d * ROWS + fromRow];
    }
    int values = values(head);
    System.arraycopy(from, values + fromRow * width, to, values + toRow * width, headDim);
  }

  @Override
  public void readKey(int page, int layer, int head, int row, float[] out, int offset) {
    float[] elements = pages[page][layer];
    int keys = keys(head) + row;
    for (int d = 0; d < headDim; d++) {
      out[offset + d] = elements[keys + d * ROWS];
    }
  }

  @Override
  public void readValue(int page, int layer, int head, int row, float[] out, int offset) {
    System.arraycopy(pages[page][layer], values(head) + row * width, out, offset, headDim);
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
