package io.tracemill.engine.cpu;

import io.tracemill.engine.cpu.CpuWeights.Layer;
import io.tracemill.engine.model.ModelConfig;
import java.util.Arrays;

/**
 * One pass of a batch of rows through the network. Each phase is a loop over the worker pool whose
 * body was made once, so that a step allocates nothing; the fields tell the bodies what to work on.
 */
final class Transformer {
  /** Loops are cut so that each worker gets about this many parts: a late one is caught up with. */
  private static final int PARTS_PER_WORKER = 8;

  private final ModelConfig config;
  private final CpuWeights weights;
  private final CpuKernels kernels;
  private final WorkerPool pool;
  private final WorkerScratch[] scratch;
  private final AttentionStep attention;
  private final RotaryTable rotary;

  // Activations; rows are filled up to whole panels.
  private final int hiddenWidth;
  private final int projectedWidth;
  private final int attendedWidth;
  private final int innerWidth;
  private final int vocabWidth;
  private final float[] hidden;
  private final float[] normed;
  private final float[] projected;
  private final float[] attended;
  private final float[] inner;
  private final float[] added;
  private final float[] logits;

  private final WorkerPool.Work embed = this::embed;
  private final WorkerPool.Work normInput = this::normInput;
  private final WorkerPool.Work project = this::project;
  private final WorkerPool.Work append = this::append;
  private final WorkerPool.Work attend = this::attend;
  private final WorkerPool.Work appendAndAttend = this::appendAndAttend;
  private final WorkerPool.Work projectOutput = this::projectOutput;
  private final WorkerPool.Work normMlp = this::normMlp;
  private final WorkerPool.Work gate = this::gate;
  private final WorkerPool.Work down = this::down;
  private final WorkerPool.Work normFinal = this::normFinal;
  private final WorkerPool.Work score = this::score;

  private BatchRows rows = new BatchRows(0);
  private int layerIndex;
  private Layer layer;
  private int parts;

  Transformer(
      ModelConfig config,
      CpuWeights weights,
      CpuKernels kernels,
      WorkerPool pool,
      WorkerScratch[] scratch,
      KvPages pages,
      RotaryTable rotary,
      Sizes sizes) {
    this.config = config;
    this.weights = weights;
    this.kernels = kernels;
    this.pool = pool;
    this.scratch = scratch;
    this.rotary = rotary;
    this.layer = weights.layers().get(0);
    hiddenWidth = sizes.hiddenWidth();
    projectedWidth = sizes.projectedWidth();
    attendedWidth = sizes.attendedWidth();
    innerWidth = sizes.innerWidth();
    vocabWidth = sizes.vocabWidth();
    attention =
        new AttentionStep(config, kernels, pages, rotary, projectedWidth, sizes.scoreStride());
    hidden = new float[sizes.batchRows() * hiddenWidth];
    normed = new float[sizes.batchRows() * hiddenWidth];
    added = new float[sizes.batchRows() * hiddenWidth];
    projected = new float[sizes.batchRows() * projectedWidth];
    attended = new float[sizes.batchRows() * attendedWidth];
    inner = new float[sizes.batchRows() * innerWidth];
    logits = new float[sizes.outputRows() * vocabWidth];
  }

  /** Widths of the activations, in elements. */
  record Sizes(
      int batchRows,
      int outputRows,
      int scoreStride,
      int hiddenWidth,
      int projectedWidth,
      int attendedWidth,
      int innerWidth,
      int vocabWidth) {
    static Sizes of(ModelConfig config, int batchRows, int outputRows, int maxSequenceRows) {
      return new Sizes(
          batchRows,
          outputRows,
          WorkerScratch.scoreStride(maxSequenceRows),
          panels(config.hiddenSize()),
          panels(config.queryDim() + 2 * config.kvDim()),
          panels(config.queryDim()),
          panels(config.intermediateSize()),
          panels(config.vocabSize()));
    }

    private static int panels(int features) {
      return PackedMatrix.panelsFor(features) * PackedMatrix.PANEL_OUTPUTS;
    }

    long activationBytes() {
      return 4L * batchRows * (3L * hiddenWidth + projectedWidth + attendedWidth + innerWidth);
    }

    long logitBytes() {
      return 4L * outputRows * vocabWidth;
    }
  }

  /**
   * Runs the batch. Afterwards keys and values are stored and {@link #logits} holds the logits of
   * the rows that asked for a token.
   */
  void forward(BatchRows batch) {
    rows = batch;
    rotary.ensure(batch.lastPosition());
    int size = batch.size();
    int heads = size * config.numKvHeads();
    pool.forEach(size, embed);
    for (layerIndex = 0; layerIndex < config.numLayers(); layerIndex++) {
      layer = weights.layers().get(layerIndex);
      pool.forEach(size, normInput);
      forEachPart(layer.queryKeyValue().numPanels(), project);
      if (batch.kind() == BatchRows.Kind.DECODE) {
        pool.forEach(heads, appendAndAttend);
      } else {
        pool.forEach(heads, append);
        pool.forEach(heads, attend);
      }
      forEachPart(layer.attentionOutput().numPanels(), projectOutput);
      pool.forEach(size, normMlp);
      forEachPart(layer.gateUp().numPanels() / 2, gate);
      forEachPart(layer.down().numPanels(), down);
    }
    if (batch.numOutputs() > 0) {
      pool.forEach(batch.numOutputs(), normFinal);
      forEachPart(weights.output().numPanels(), score);
    }
  }

  void observeQueries(QueryObserver observer) {
    attention.observeQueries(observer);
  }

  /** Logits of all sampled rows, {@code [numOutputs, logitsWidth]}, mutable until the next pass. */
  float[] logits() {
    return logits;
  }

  int logitsWidth() {
    return vocabWidth;
  }

  private void forEachPart(int units, WorkerPool.Work work) {
    parts = Math.min(units, pool.size() * PARTS_PER_WORKER);
    pool.forEach(parts, work);
  }

  private int partStart(int units, int part) {
    return (int) ((long) units * part / parts);
  }

  private void embed(int row, int worker) {
    weights.embedding().copyRow(rows.token(row), hidden, row * hiddenWidth);
  }

  private void normInput(int row, int worker) {
    norm(row * hiddenWidth, layer.inputNorm(), row * hiddenWidth, worker);
  }

  private void normMlp(int row, int worker) {
    norm(row * hiddenWidth, layer.postAttentionNorm(), row * hiddenWidth, worker);
  }

  private void normFinal(int output, int worker) {
    norm(rows.outputRow(output) * hiddenWidth, weights.finalNorm(), output * hiddenWidth, worker);
  }

  private void norm(int from, float[] weight, int to, int worker) {
    kernels.rmsNorm(
        hidden,
        from,
        weight,
        config.hiddenSize(),
        config.rmsNormEps(),
        normed,
        to,
        scratch[worker].lanes);
  }

  private void project(int part, int worker) {
    float[] bias = layer.queryKeyValueBias();
    PackedMatrix matrix = layer.queryKeyValue();
    int first = partStart(matrix.numPanels(), part);
    int last = partStart(matrix.numPanels(), part + 1);
    int from = first * PackedMatrix.PANEL_OUTPUTS;
    int to = Math.min(last * PackedMatrix.PANEL_OUTPUTS, matrix.outFeatures());
    multiply(matrix, first, last, normed, hiddenWidth, rows.size(), projected, projectedWidth);
    if (bias.length > 0) {
      for (int row = 0; row < rows.size(); row++) {
        int at = row * projectedWidth;
        for (int i = from; i < to; i++) {
          projected[at + i] += bias[i];
        }
      }
    }
  }

  private void append(int task, int worker) {
    int row = task / config.numKvHeads();
    int kvHead = task % config.numKvHeads();
    attention.append(rows, row, layerIndex, layer, kvHead, projected, scratch[worker]);
  }

  private void attend(int task, int worker) {
    int row = task / config.numKvHeads();
    int kvHead = task % config.numKvHeads();
    attention.attend(
        rows, row, layerIndex, kvHead, projected, attended, attendedWidth, scratch[worker]);
  }

  private void appendAndAttend(int task, int worker) {
    append(task, worker);
    attend(task, worker);
  }

  private void projectOutput(int part, int worker) {
    addProduct(layer.attentionOutput(), part, attended, attendedWidth);
  }

  private void down(int part, int worker) {
    addProduct(layer.down(), part, inner, innerWidth);
  }

  /** Adds a product to the residual stream. */
  private void addProduct(PackedMatrix matrix, int part, float[] x, int xWidth) {
    int first = partStart(matrix.numPanels(), part);
    int last = partStart(matrix.numPanels(), part + 1);
    multiply(matrix, first, last, x, xWidth, rows.size(), added, hiddenWidth);
    int from = first * PackedMatrix.PANEL_OUTPUTS;
    int to = last * PackedMatrix.PANEL_OUTPUTS;
    for (int row = 0; row < rows.size(); row++) {
      int at = row * hiddenWidth;
      for (int i = from; i < to; i++) {
        hidden[at + i] += added[at + i];
      }
    }
  }

  private void gate(int part, int worker) {
    PackedMatrix matrix = layer.gateUp();
    int pairs = matrix.numPanels() / 2;
    int outputs = PackedMatrix.PANEL_OUTPUTS;
    float[] tile = scratch[worker].tile;
    int last = partStart(pairs, part + 1);
    for (int pair = partStart(pairs, part); pair < last; pair++) {
      for (int row = 0; row < rows.size(); row += WorkerScratch.TILE_ROWS) {
        int count = Math.min(WorkerScratch.TILE_ROWS, rows.size() - row);
        Arrays.fill(tile, 0, count * 2 * outputs, 0);
        kernels.multiplyAdd(
            matrix, 2 * pair, 2, normed, hiddenWidth, count, row, tile, 0, 2 * outputs);
        for (int i = 0; i < count; i++) {
          int at = i * 2 * outputs;
          int to = (row + i) * innerWidth + pair * outputs;
          kernels.siluMultiply(tile, at, tile, at + outputs, inner, to, outputs);
        }
      }
    }
  }

  private void score(int part, int worker) {
    PackedMatrix matrix = weights.output();
    int first = partStart(matrix.numPanels(), part);
    int last = partStart(matrix.numPanels(), part + 1);
    multiply(matrix, first, last, normed, hiddenWidth, rows.numOutputs(), logits, vocabWidth);
  }

  private void multiply(
      PackedMatrix matrix,
      int firstPanel,
      int lastPanel,
      float[] x,
      int xWidth,
      int numRows,
      float[] out,
      int outWidth) {
    int from = firstPanel * PackedMatrix.PANEL_OUTPUTS;
    int to = lastPanel * PackedMatrix.PANEL_OUTPUTS;
    for (int row = 0; row < numRows; row++) {
      Arrays.fill(out, row * outWidth + from, row * outWidth + to, 0);
    }
    kernels.multiplyAdd(
        matrix, firstPanel, lastPanel - firstPanel, x, xWidth, numRows, 0, out, from, outWidth);
  }
}
